// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_RUNTIMES_RUNTIME_RULES_H_
#define QCONFIG_CORE_RUNTIMES_RUNTIME_RULES_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/fused_groups.h"
#include "core/runtimes/scheme_rules.h"

namespace qconfig {

// Something that a runtime needs to serve a model.
struct RuntimeNeed {
  std::string message;
  std::string fix;  // may be empty
};

// Modules that a runtime cannot load if they are quantized.
struct UnloadableModules {
  std::vector<std::string> types;
  std::vector<std::string> names;  // last components
  std::string cause;
};

// How a runtime handles modules that the model itself has in fused form, such as phi3's `qkv_proj`.
struct NativeFusedModules {
  enum class Effect { kOverridesIgnored, kRejected };
  Effect effect = Effect::kOverridesIgnored;
  std::map<std::string, std::vector<std::string>> modules;  // last components, by model type
};

// Projections that a runtime looks up only under the name of the fused module, for some model types.
struct FusedLookup {
  FusedGroup group;
  std::vector<std::string> model_types;
};

// What a runtime demands of a quantized KV cache.
struct KvCacheRules {
  // Which entries of `kv_cache_group` must be keys of `layer_quant_config`.
  enum class Group { kAnyEntry, kAllEntries };
  // What must be equal in the entries of all K and V projections.
  enum class Equal { kOutputTensors, kConfig };
  Group group = Group::kAnyEntry;
  Equal equal = Equal::kOutputTensors;
  std::vector<std::string> scale_modules;  // last components of modules whose scales it loads; empty: any
  std::string option;                      // turns the quantized KV cache on
};

// What a runtime demands of quantized attention.
struct AttentionRules {
  std::string accepted_pattern;       // of Q projections, together with a quantized KV cache
  std::vector<std::string> tried_on;  // model types for which a rejection of other patterns was seen
};

// What one version of a serving runtime accepts, and how it reads an exported configuration. Parts without a value do
// not apply to the runtime. Immutable.
struct Runtime {
  std::string name;             // "vllm"
  std::string title;            // "vLLM"
  std::string version;          // "0.33.0"
  std::string fallback_scheme;  // a scheme that it accepts for all layers

  SchemeRules linear;
  SchemeRules experts;
  std::optional<UnloadableModules> unloadable;
  bool reads_layer_types = false;     // whether overrides by layer type have an effect
  bool needs_star = false;            // whether it takes a pattern without `*` literally
  bool looks_up_expert_list = false;  // whether it looks up all experts of a layer under the name of their list
  std::optional<NativeFusedModules> native_fused;
  std::optional<FusedLookup> fused_lookup;
  std::optional<FusedGroupTable> fused_groups;  // not set: it fuses no modules
  std::optional<KvCacheRules> kv_cache;
  std::optional<AttentionRules> attention;
  std::map<std::string, RuntimeNeed> needs;  // by the keys in SchemeRule::needs

  std::string id() const { return name + "@" + version; }
};

// Reads the form of core/runtimes/<name>-<version>.json. kInvalidArgument, with a path: the data is malformed.
absl::StatusOr<Runtime> ReadRuntime(absl::string_view json);

// The runtime that `id` names: "vllm" for the newest version, or "vllm@0.33.0". The pointer is always valid.
// INVALID_REQUEST, with the known runtimes: there is none. `field` is the path of `id` in the request.
absl::StatusOr<const Runtime*> FindRuntime(absl::string_view id, absl::string_view field);

// Whether version `a` is older than `b`. Compares the numbers between dots; a text that is not a number counts as 0.
bool IsOlderVersion(absl::string_view a, absl::string_view b);

}  // namespace qconfig

#endif  // QCONFIG_CORE_RUNTIMES_RUNTIME_RULES_H_
