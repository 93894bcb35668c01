// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_ERROR_LIST_H_
#define QCONFIG_CORE_ERROR_LIST_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// Collects the errors of one entry, so that its author can fix all of them at once. Not thread-safe.
class ErrorList {
 public:
  // The number of errors that a status can have.
  static constexpr size_t kMaxErrors = 20;

  // Keeps `error`, which Error created for a field. Does nothing if it is OK, if the list is full, or if the field
  // already has an error, from which later ones usually follow.
  void Add(absl::Status error);

  bool Has(absl::string_view field) const { return fields_.contains(field); }
  size_t size() const { return errors_.size(); }
  // Whether there is an error more than a status can have, so that looking for others is useless.
  bool is_full() const { return errors_.size() > kMaxErrors; }

  // OK, or the first error. If there are several, the text and the field violations of the first one also have the
  // others, with their accepted values and the beginning of their values: as many as fit into a status. The last
  // violation then says how many are left out, or that there are more.
  absl::Status ToStatus() const;

 private:
  std::vector<absl::Status> errors_;
  absl::flat_hash_set<std::string> fields_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_ERROR_LIST_H_
