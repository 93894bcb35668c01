// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_MODULE_RULES_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_MODULE_RULES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig::client {

// The rules of module_types.json. Immutable after construction.
struct ModuleRules {
  struct Weight {
    std::string suffix;
    bool packed = false;  // several values in one, so the shape is not that of the weight
  };
  struct FusedExperts {
    std::string suffix;
    std::vector<std::string> model_types;  // empty: all
    std::vector<std::string> modules;      // appended to the name without the suffix; kNumberSlot is the expert
    bool packed = false;
    bool inputs_first = false;  // the shape is experts x inputs x outputs, not experts x outputs x inputs
  };
  struct Type {
    std::string name = "*";
    std::vector<std::string> model_types;  // empty: all
    std::optional<int64_t> dimensions;     // not set: any number; kUnknown: the shape is unknown
    std::string type;                      // empty: not a module that can be quantized
  };
  static constexpr int64_t kUnknown = -1;

  // Throws nlohmann::json::exception if `json` is not as in module_types.json.
  explicit ModuleRules(absl::string_view json);

  std::vector<Weight> weights;
  std::vector<std::string> packed_dtypes, quantized_dtypes;
  std::vector<FusedExperts> fused_experts;
  std::vector<std::string> expert_counts;
  std::vector<Type> types;
  std::vector<std::string> listed_types, listed_fused_types;
  std::vector<std::string> unquantized_types;  // Quark does not quantize them, but a plan shows them
  std::string head;
  std::vector<std::string> head_names, head_architectures;
};

// The rules of this build.
const ModuleRules& BuiltinModuleRules();

// Whether `name` matches `pattern`, in which * stands for any characters.
bool MatchesPattern(absl::string_view name, absl::string_view pattern);
bool MatchesAny(absl::string_view name, const std::vector<std::string>& patterns);

// Whether `names` has `name`.
bool Contains(const std::vector<std::string>& names, absl::string_view name);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_MODULE_RULES_H_
