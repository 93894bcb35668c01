// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FAULTS_H_
#define QCONFIG_CORE_FAULTS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "qconfig/v1/error.pb.h"

namespace qconfig {

// The payload type of a v1::ItemError in a status.
inline constexpr absl::string_view kItemErrorType = "type.googleapis.com/qconfig.v1.ItemError";

// Collects what is wrong with a file, in the order of the file. Keeps the first 20 faults, and counts all. Not
// thread-safe.
class Faults {
 public:
  // `path` is that of the value in the file, such as "weight.group_size", and empty for the whole file.
  void Add(absl::string_view path, absl::string_view problem);
  // Adds the faults of `status`.
  void Add(const absl::Status& status);

  size_t count() const { return count_; }
  // Whether further faults are only counted, so that their texts need not be made.
  bool is_full() const;

  // OK, or kInvalidArgument with one line "path: problem" for each fault that is kept.
  absl::Status ToStatus() const;

 private:
  v1::ItemError faults_;  // in its field_violations
  size_t count_ = 0;
};

// The faults of a status from Faults::ToStatus(); the last one says how many are left out. Any other error is one fault
// without a path.
std::vector<v1::FieldViolation> FaultsOf(const absl::Status& status);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FAULTS_H_
