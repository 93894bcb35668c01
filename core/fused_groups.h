// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FUSED_GROUPS_H_
#define QCONFIG_CORE_FUSED_GROUPS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// Modules that serving runtimes load as one matrix, so they need one configuration.
struct FusedGroup {
  std::string fused;               // the last component of the fused module's name, such as "qkv_proj"
  std::vector<std::string> parts;  // the last components of the parts' names, such as "q_proj", "k_proj", "v_proj"
};

// The fused groups of models, by model type. Immutable.
class FusedGroupTable {
 public:
  // Reads the form of core/fused_groups.json. kInvalidArgument, with a path: the data is malformed.
  static absl::StatusOr<FusedGroupTable> Read(absl::string_view json);

  // Whether the table lists `model_type`.
  bool Has(absl::string_view model_type) const { return by_model_type_.contains(model_type); }
  // The groups of `model_type`, or the default groups if the table does not list it.
  const std::vector<FusedGroup>& Of(absl::string_view model_type) const;
  // The component of names after which the experts of a layer follow, such as "experts".
  const std::string& expert_list() const { return expert_list_; }

 private:
  std::string expert_list_;
  std::vector<FusedGroup> default_;
  absl::flat_hash_map<std::string, std::vector<FusedGroup>> by_model_type_;
};

// The table for most runtimes. The same for all calls; thread-safe.
// REQUIRES: the built-in data is valid, which the tests ensure.
const FusedGroupTable& BuiltinFusedGroups();

// The groups that most runtimes fuse in models of `model_type`.
const std::vector<FusedGroup>& FusedGroupsOf(absl::string_view model_type);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FUSED_GROUPS_H_
