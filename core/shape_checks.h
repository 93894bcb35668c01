// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_SHAPE_CHECKS_H_
#define QCONFIG_CORE_SHAPE_CHECKS_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/limits.h"
#include "core/names/name_resolver.h"
#include "qconfig/v1/algorithm.pb.h"

namespace qconfig {

// INVALID_REQUEST if the text at `field` has more than `max_chars` characters.
absl::Status CheckLength(absl::string_view text, size_t max_chars, absl::string_view field);

// INVALID_REQUEST if the name at `field` is empty or too long.
absl::Status CheckName(absl::string_view name, absl::string_view field, const Limits& limits);

// The checks that need no catalogue. Keeps the first failure, which is INVALID_REQUEST; later checks then do nothing.
// Not thread-safe.
class ShapeChecks {
 public:
  // `limits` must outlive the object.
  explicit ShapeChecks(const Limits& limits) : limits_(limits) {}

  // The length of a text, and the number of entries of a list.
  void Name(absl::string_view text, absl::string_view field);
  void Pattern(absl::string_view text, absl::string_view field);
  void Count(int count, absl::string_view field);
  void AtMost(size_t max_count, int count, absl::string_view field);

  // The field is set.
  void Required(bool present, absl::string_view field);

  // `text` can become the name of an entry: it is not empty, not too long, and has no invisible characters.
  void NewName(absl::string_view text, absl::string_view field);

  void Finite(double number, absl::string_view field);

  // `text` is not in `seen`. Adds it.
  void Once(absl::string_view text, absl::flat_hash_set<std::string>& seen, absl::string_view field);

  // `text` is one of `allowed`, which are names of `kind`.
  void OneOf(absl::string_view text, const std::vector<absl::string_view>& allowed, absl::string_view field,
             absl::string_view problem, NameKind kind = NameKind::kOther);

  void Require(bool condition, absl::string_view field, absl::string_view value, absl::string_view problem);

  // The sizes and numbers of all fields of a message and of the messages in it.
  void Fields(const google::protobuf::Message& message, const std::string& path);

  // `config` is a configuration of `algorithm`, a lower-case name, with valid sizes and numbers.
  void Algorithm(const v1::AlgoConfig& config, absl::string_view algorithm, const std::string& path);

  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }

 private:
  void Item(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor* field, int index,
            const std::string& path);

  const Limits& limits_;
  absl::Status status_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_SHAPE_CHECKS_H_
