// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/catalog_json.h"
#include "core/runtimes/runtime_rules.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

absl::Status ReadText(const ordered_json& json, const char* key, std::string& text) {
  const ordered_json& value = Member(json, key);
  if (!value.is_string()) return Malformed(key, "not a string");
  text = value.get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadBool(const ordered_json& json, const char* key, bool& value) {
  const ordered_json& member = Member(json, key);
  if (!member.is_boolean()) return Malformed(key, "not a boolean");
  value = member.get<bool>();
  return absl::OkStatus();
}

absl::Status ReadNames(const ordered_json& json, const char* key, std::vector<std::string>& names) {
  return ReadStrings(Member(json, key), key, [&names](std::string name) { names.push_back(std::move(name)); });
}

// Sets `value` to the number of `key`'s text in `choices`.
template <typename Enum>
absl::Status ReadChoice(const ordered_json& json, const char* key,
                        std::initializer_list<std::pair<absl::string_view, Enum>> choices, Enum& value) {
  std::string text;
  QCONFIG_RETURN_IF_ERROR(ReadText(json, key, text));
  const auto* const it =
      std::find_if(choices.begin(), choices.end(), [&text](const auto& choice) { return choice.first == text; });
  if (it == choices.end()) return Malformed(key, absl::StrCat("unknown value ", text));
  value = it->second;
  return absl::OkStatus();
}

absl::Status ReadUnloadable(const ordered_json& json, Runtime& runtime) {
  UnloadableModules& modules = runtime.unloadable.emplace();
  QCONFIG_RETURN_IF_ERROR(ReadNames(json, "types", modules.types));
  QCONFIG_RETURN_IF_ERROR(ReadNames(json, "names", modules.names));
  return ReadText(json, "cause", modules.cause);
}

absl::Status ReadOverrides(const ordered_json& json, Runtime& runtime) {
  QCONFIG_RETURN_IF_ERROR(ReadBool(json, "layer_types", runtime.reads_layer_types));
  QCONFIG_RETURN_IF_ERROR(ReadBool(json, "experts_by_list", runtime.looks_up_expert_list));
  return ReadChoice(json, "patterns_without_star", {{"literal", true}, {"glob", false}}, runtime.needs_star);
}

absl::Status ReadNativeFused(const ordered_json& json, Runtime& runtime) {
  using Effect = NativeFusedModules::Effect;
  NativeFusedModules& fused = runtime.native_fused.emplace();
  const ordered_json& modules = Member(json, "modules");
  if (!modules.is_object()) return Malformed("modules", "not an object");
  for (const auto& [model_type, names] : modules.items()) {
    QCONFIG_RETURN_IF_ERROR(ReadNames(modules, model_type.c_str(), fused.modules[model_type]));
  }
  return ReadChoice(json, "effect", {{"overrides_ignored", Effect::kOverridesIgnored}, {"rejected", Effect::kRejected}},
                    fused.effect);
}

absl::Status ReadFusedLookup(const ordered_json& json, Runtime& runtime) {
  FusedLookup& lookup = runtime.fused_lookup.emplace();
  QCONFIG_RETURN_IF_ERROR(ReadText(json, "fused", lookup.group.fused));
  QCONFIG_RETURN_IF_ERROR(ReadNames(json, "parts", lookup.group.parts));
  return ReadNames(json, "model_types", lookup.model_types);
}

absl::Status ReadFusedGroups(const ordered_json& json, Runtime& runtime) {
  QCONFIG_ASSIGN_OR_RETURN(runtime.fused_groups, FusedGroupTable::Read(json.dump()));
  return absl::OkStatus();
}

absl::Status ReadKvCache(const ordered_json& json, Runtime& runtime) {
  using Group = KvCacheRules::Group;
  using Equal = KvCacheRules::Equal;
  KvCacheRules& rules = runtime.kv_cache.emplace();
  QCONFIG_RETURN_IF_ERROR(
      ReadChoice(json, "group", {{"any_entry", Group::kAnyEntry}, {"all_entries", Group::kAllEntries}}, rules.group));
  QCONFIG_RETURN_IF_ERROR(
      ReadChoice(json, "equal", {{"output_tensors", Equal::kOutputTensors}, {"config", Equal::kConfig}}, rules.equal));
  QCONFIG_RETURN_IF_ERROR(ReadNames(json, "scale_modules", rules.scale_modules));
  return ReadText(json, "option", rules.option);
}

absl::Status ReadAttention(const ordered_json& json, Runtime& runtime) {
  AttentionRules& rules = runtime.attention.emplace();
  QCONFIG_RETURN_IF_ERROR(ReadNames(json, "tried_on", rules.tried_on));
  return ReadText(json, "accepted_pattern", rules.accepted_pattern);
}

absl::Status ReadNeeds(const ordered_json& json, Runtime& runtime) {
  for (const auto& [key, item] : json.items()) {
    if (!item.is_object() || !Member(item, "source").is_string()) return Malformed(key, "has no source");
    RuntimeNeed& need = runtime.needs[key];
    QCONFIG_RETURN_IF_ERROR(ReadText(item, "message", need.message));
    need.fix = TextOrEmpty(item, "fix");
  }
  return absl::OkStatus();
}

absl::Status CheckNeeds(const Runtime& runtime) {
  for (const SchemeRules* rules : {&runtime.linear, &runtime.experts}) {
    for (const SchemeRule& rule : rules->accepted()) {
      for (const std::string& key : rule.needs) {
        if (runtime.needs.count(key) == 0) return Malformed(rule.id, absl::StrCat("unknown need ", key));
      }
    }
  }
  return absl::OkStatus();
}

struct Section {
  const char* key;
  absl::Status (*read)(const ordered_json&, Runtime&);
};
constexpr Section kSections[] = {
    {"head", ReadUnloadable},        {"overrides", ReadOverrides},      {"native_fused", ReadNativeFused},
    {"qkv_lookup", ReadFusedLookup}, {"fused_groups", ReadFusedGroups}, {"kv_cache", ReadKvCache},
    {"attention", ReadAttention},
};

absl::StatusOr<Runtime> Read(const ordered_json& json) {
  Runtime runtime;
  QCONFIG_RETURN_IF_ERROR(ReadText(json, "name", runtime.name));
  QCONFIG_RETURN_IF_ERROR(ReadText(json, "title", runtime.title));
  QCONFIG_RETURN_IF_ERROR(ReadText(json, "version", runtime.version));
  QCONFIG_RETURN_IF_ERROR(ReadText(json, "fallback_scheme", runtime.fallback_scheme));
  QCONFIG_ASSIGN_OR_RETURN(runtime.linear, SchemeRules::Read(Member(json, "linear").dump(), "linear"));
  QCONFIG_ASSIGN_OR_RETURN(runtime.experts, SchemeRules::Read(Member(json, "experts").dump(), "experts"));
  for (const Section& section : kSections) {
    const ordered_json& value = Member(json, section.key);
    if (value.is_null()) continue;
    if (!value.is_object() || !Member(value, "source").is_string()) return Malformed(section.key, "has no source");
    const absl::Status status = section.read(value, runtime);
    if (!status.ok()) return Malformed(section.key, status.message());
  }
  QCONFIG_RETURN_IF_ERROR(ReadNeeds(Member(json, "needs"), runtime));
  QCONFIG_RETURN_IF_ERROR(CheckNeeds(runtime));
  return runtime;
}

}  // namespace

absl::StatusOr<Runtime> ReadRuntime(absl::string_view text) {
  const ordered_json json = ordered_json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Malformed("runtime", "not a JSON object");
  absl::StatusOr<Runtime> runtime = Read(json);
  if (!runtime.ok()) return Malformed(absl::StrCat("runtime ", TextOrEmpty(json, "name")), runtime.status().message());
  return runtime;
}

}  // namespace qconfig
