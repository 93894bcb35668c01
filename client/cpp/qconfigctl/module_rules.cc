// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/module_rules.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_replace.h"
#include "qconfigctl/embedded_files.h"
#include "qconfigctl/module_names.h"

namespace qconfig::client {
namespace {

using nlohmann::json;

// The pattern of a name or the name of a module, with kNumberSlot for #.
std::string WithSlots(const std::string& text) {
  return absl::StrReplaceAll(text, {{"#", std::string(1, kNumberSlot)}});
}

std::vector<std::string> Strings(const json& rule, const char* key) {
  return rule.value(key, std::vector<std::string>());
}

ModuleRules::FusedExperts ReadExperts(const json& rule) {
  ModuleRules::FusedExperts experts;
  experts.suffix = rule.at("suffix").get<std::string>();
  experts.model_types = Strings(rule, "model_types");
  for (const json& module : rule.at("modules")) experts.modules.push_back(WithSlots(module.get<std::string>()));
  experts.packed = rule.value("packed", false);
  experts.inputs_first = rule.value("inputs_first", false);
  return experts;
}

ModuleRules::Type ReadType(const json& rule) {
  ModuleRules::Type type;
  type.name = WithSlots(rule.value("name", "*"));
  type.model_types = Strings(rule, "model_types");
  if (rule.contains("dimensions")) {
    const json& dimensions = rule.at("dimensions");
    type.dimensions = dimensions == "unknown" ? ModuleRules::kUnknown : dimensions.get<int64_t>();
  }
  type.type = rule.value("type", "");
  return type;
}

}  // namespace

ModuleRules::ModuleRules(absl::string_view text) {
  const json rules = json::parse(text.begin(), text.end());
  for (const json& rule : rules.at("weights"))
    weights.push_back({rule.at("suffix").get<std::string>(), rule.value("packed", false)});
  for (const json& rule : rules.at("fused_experts")) fused_experts.push_back(ReadExperts(rule));
  for (const json& rule : rules.at("types")) types.push_back(ReadType(rule));
  rules.at("packed_dtypes").get_to(packed_dtypes);
  rules.at("quantized_dtypes").get_to(quantized_dtypes);
  rules.at("expert_counts").get_to(expert_counts);
  rules.at("listed_types").get_to(listed_types);
  rules.at("listed_fused_types").get_to(listed_fused_types);
  rules.at("unquantized_types").get_to(unquantized_types);
  const json& head_rule = rules.at("head");
  head_rule.at("name").get_to(head);
  head_rule.at("names").get_to(head_names);
  head_rule.at("architectures").get_to(head_architectures);
}

const ModuleRules& BuiltinModuleRules() {
  static const auto* const kRules = new ModuleRules(kModuleTypesJson);
  return *kRules;
}

bool MatchesPattern(absl::string_view name, absl::string_view pattern) {
  size_t n = 0;
  size_t p = 0;
  size_t star = absl::string_view::npos;  // the last * of the pattern before `p`
  size_t after_star = 0;                  // where the rest of the name begins, if * takes as little as possible
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after_star = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      n = ++after_star;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == absl::string_view::npos;
}

bool MatchesAny(absl::string_view name, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [name](const std::string& pattern) { return MatchesPattern(name, pattern); });
}

bool Contains(const std::vector<std::string>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace qconfig::client
