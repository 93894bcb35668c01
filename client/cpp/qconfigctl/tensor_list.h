// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_TENSOR_LIST_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_TENSOR_LIST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace qconfig::client {

// A tensor of a checkpoint, or a module of a list, which has a type.
struct Tensor {
  std::string name;
  std::string type;   // of the module; empty: unknown
  std::string dtype;  // as in safetensors, such as "BF16"; empty: unknown
  std::optional<std::vector<int64_t>> shape;
};

// Tensors whose names differ only in numbers.
struct TensorGroup {
  Tensor tensor;                  // `name` is the form of the names, see module_names.h
  std::vector<uint32_t> numbers;  // of all names, one after the other
  size_t size = 0;                // the number of tensors
  size_t width = 0;               // the numbers of one name
};

// The tensors of a checkpoint, in groups in the order of the first tensor. Not thread-safe.
class TensorList {
 public:
  static constexpr size_t kMaxTensors = 1'000'000;
  static constexpr size_t kMaxNameBytes = 1024;

  // kInvalidArgument: the name is empty, too long, a duplicate, or cannot be sent to the server; or there are too many
  // tensors, or the size of the tensor does not fit in 64 bits.
  absl::Status Add(const Tensor& tensor);

  bool Has(absl::string_view name) const { return names_.contains(name); }
  const std::vector<TensorGroup>& groups() const { return groups_; }

 private:
  std::vector<TensorGroup> groups_;
  absl::flat_hash_map<std::string, size_t> index_of_;  // by form, type, dtype and shape
  absl::flat_hash_set<std::string> names_;
};

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_TENSOR_LIST_H_
