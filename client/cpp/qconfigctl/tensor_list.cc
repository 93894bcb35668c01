// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/tensor_list.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "qconfigctl/module_names.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

absl::Status CheckName(absl::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("a name is empty");
  if (name.size() > TensorList::kMaxNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the name ", Quoted(name), " is longer than ", TensorList::kMaxNameBytes, " bytes"));
  }
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return absl::ascii_iscntrl(c); })) {
    return absl::InvalidArgumentError(absl::StrCat("the name ", Quoted(name), " has a control character"));
  }
  if (HasRange(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the name ", Quoted(name), " has braces that the server would expand as a range"));
  }
  return absl::OkStatus();
}

absl::Status CheckSize(const Tensor& tensor) {
  if (!tensor.shape.has_value()) return absl::OkStatus();
  int64_t size = 1;
  for (const int64_t dimension : *tensor.shape) {
    if (dimension != 0 && size > std::numeric_limits<int64_t>::max() / 8 / dimension) {
      return absl::InvalidArgumentError(absl::StrCat("the tensor ", Quoted(tensor.name), " is too large: its shape is ",
                                                     absl::StrJoin(*tensor.shape, " x ")));
    }
    size *= std::max<int64_t>(dimension, 1);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status TensorList::Add(const Tensor& tensor) {
  if (absl::Status status = CheckName(tensor.name); !status.ok()) return status;
  if (absl::Status status = CheckSize(tensor); !status.ok()) return status;
  if (!names_.insert(tensor.name).second) {
    return absl::InvalidArgumentError(absl::StrCat("the name ", Quoted(tensor.name), " appears twice"));
  }
  if (names_.size() > kMaxTensors) {
    return absl::InvalidArgumentError(absl::StrCat("the model has more than ", kMaxTensors, " tensors"));
  }
  NumberedName name = TakeNumbers(tensor.name);
  const std::string shape = tensor.shape.has_value() ? absl::StrJoin(*tensor.shape, ",") : "?";
  const std::string key = absl::StrCat(name.form, "\n", tensor.type, "\n", tensor.dtype, "\n", shape);
  const auto [entry, is_new] = index_of_.try_emplace(key, groups_.size());
  if (is_new) {
    groups_.push_back({tensor, {}, 0, name.numbers.size()});
    groups_.back().tensor.name = std::move(name.form);
  }
  TensorGroup& group = groups_[entry->second];
  group.numbers.insert(group.numbers.end(), name.numbers.begin(), name.numbers.end());
  ++group.size;
  return absl::OkStatus();
}

}  // namespace qconfig::client
