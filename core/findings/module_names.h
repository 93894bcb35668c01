// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_MODULE_NAMES_H_
#define QCONFIG_CORE_FINDINGS_MODULE_NAMES_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// A part of a model that is usually not quantized.
enum class ModuleRole { kRouter, kHead, kTower };

struct NamedRole {
  ModuleRole role;
  std::string exclusion;  // a pattern for these modules, such as "*mlp.gate"
};

// The dimension of a weight that tensor parallelism splits among the ranks.
enum class RankSplit { kOutputs, kInputs, kNone };

// What the usual names of modules say about them: core/findings/module_names.json.
// Immutable. Returned pointers are valid as long as the object.
class ModuleNames {
 public:
  // kInvalidArgument: `json` is malformed.
  static absl::StatusOr<ModuleNames> Load(absl::string_view json);
  // The names in the built-in file.
  static const ModuleNames& Builtin();

  // Null if the module has none of the roles. Like the other results, it does not depend on parts of the name before
  // the last one that are numbers.
  const NamedRole* FindRole(absl::string_view name) const;
  // kOutputs if the name is unknown.
  RankSplit FindSplit(absl::string_view name) const;
  // Whether the module is below a list of experts.
  bool IsExpert(absl::string_view name) const;

 private:
  ModuleNames() = default;

  const NamedRole* FindTower(absl::string_view name) const;

  absl::flat_hash_map<std::string, NamedRole> ends_;  // of routers and heads, by the last parts of the name
  // For each first character, a bit for each length that the last parts of the keys of `ends_` have. Rules out most
  // names without a search.
  std::array<uint64_t, 256> last_part_lengths_{};
  absl::flat_hash_map<std::string, NamedRole> top_level_;  // by the whole name
  absl::flat_hash_map<std::string, NamedRole> towers_;     // by one part of the name
  std::array<bool, 256> tower_initials_{};                 // the first characters of towers
  absl::flat_hash_set<std::string> expert_lists_;
  absl::flat_hash_map<std::string, RankSplit> splits_;  // by the last part of the name
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_MODULE_NAMES_H_
