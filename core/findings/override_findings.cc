// SPDX-License-Identifier: Apache-2.0
#include "core/findings/override_findings.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/findings/finding_text.h"
#include "core/findings/plan_patterns.h"
#include "core/message_text.h"
#include "core/pattern.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

// The parts of a configuration that a projection of the KV cache takes from its base.
std::string BaseText(v1::QLayerConfig config) {
  config.clear_output_tensors();
  config.clear_bias();
  config.clear_target_device();
  return config.SerializeAsString();
}

class LosingOverrideFinder {
 public:
  LosingOverrideFinder(const PlanContext& context, CancellationToken& token, FindingList& findings)
      : context_(context), token_(token), findings_(findings), overrides_(PlanPatterns(context).overrides) {}

  absl::Status Find() {
    QCONFIG_RETURN_IF_ERROR(CheckOverrides());
    for (int i = 0; i < context_.spec.layer_type_config_size(); ++i) QCONFIG_RETURN_IF_ERROR(CheckLayerType(i));
    return absl::OkStatus();
  }

 private:
  const v1::LayerRule& rule(uint32_t index) const { return context_.plan.rules[index]; }

  absl::Status CheckOverrides() {
    std::vector<size_t> losers;
    for (size_t i = 0; i < overrides_.size(); ++i) {
      if (overrides_[i].matched() > 0 && overrides_[i].won() == 0) losers.push_back(i);
    }
    if (losers.empty()) return absl::OkStatus();
    // The examples stand for all modules that an override matches.
    absl::flat_hash_map<absl::string_view, size_t> modules;
    for (const size_t loser : losers) {
      for (const std::string& example : overrides_[loser].examples()) modules[example] = 0;
    }
    QCONFIG_RETURN_IF_ERROR(token_.Spend(context_.modules.size() * kStepsPerModule));
    for (size_t i = 0; i < context_.modules.size(); ++i) {
      const auto module = modules.find(context_.modules.name(i));
      if (module != modules.end()) module->second = i;
    }
    for (const size_t loser : losers) QCONFIG_RETURN_IF_ERROR(CheckLoser(loser, modules));
    return absl::OkStatus();
  }

  absl::Status CheckLoser(size_t override, const absl::flat_hash_map<absl::string_view, size_t>& modules) {
    constexpr size_t kStepsPerLoser = 10'000;
    QCONFIG_RETURN_IF_ERROR(token_.Spend(kStepsPerLoser));
    const v1::PatternUse& use = overrides_[override];
    // The KV cache may have replaced the configuration of the override.
    QCONFIG_ASSIGN_OR_RETURN(
        const v1::Scheme* const scheme,
        context_.snapshot.FindScheme(context_.spec.layer_config(static_cast<int>(override)).scheme(), use.field()));
    const std::string base = BaseText(scheme->config());
    std::set<uint32_t> winners;  // rules
    for (const std::string& example : use.examples()) {
      const size_t module = modules.at(example);
      if (!HasEffect(base, module)) winners.insert(context_.plan.rule_of_module[module]);
    }
    if (winners.empty()) return absl::OkStatus();
    std::vector<std::string> reasons;
    reasons.reserve(winners.size());
    for (const uint32_t winner : winners) reasons.push_back(Reason(rule(winner)));
    v1::Finding& finding =
        *findings_.Add(v1::FINDING_CODE_OVERRIDE_NEVER_WINS, v1::FINDING_SEVERITY_WARNING,
                       absl::StrCat("the override ", Quoted(use.pattern()), " matches ", Modules(use.matched()),
                                    " but has no effect, because ", absl::StrJoin(reasons, ", and ")),
                       Fix(override, rule(*winners.begin())));
    finding.set_field(use.field());
    *finding.mutable_modules() = use.examples();
    finding.set_module_count(use.matched());
    return absl::OkStatus();
  }

  // Whether the KV cache took `base`, which is that of the override, for the module, or would have, if Quark did not
  // strip it. KV_CACHE_PATTERN_STRIPPED reports the latter.
  bool HasEffect(const std::string& base, size_t module) const {
    const v1::LayerRule& winner = context_.plan.rule(module);
    return winner.kind() == v1::LAYER_RULE_KIND_KV_CACHE && BaseText(KvCacheConfig(winner.pattern())) == base;
  }

  // REQUIRES: the KV cache has an entry with this pattern.
  const v1::QLayerConfig& KvCacheConfig(const std::string& pattern) const {
    const auto& entries = context_.config.kv_cache_quant_config();
    return std::find_if(entries.begin(), entries.end(),
                        [&pattern](const auto& entry) { return entry.pattern() == pattern; })
        ->config();
  }

  static std::string Reason(const v1::LayerRule& winner) {
    const std::string pattern = Quoted(winner.pattern());
    switch (winner.kind()) {
      case v1::LAYER_RULE_KIND_EXCLUDED:
        return absl::StrCat("the exclusion ", pattern, " takes precedence");
      case v1::LAYER_RULE_KIND_KV_CACHE:
        return absl::StrCat("the KV cache configuration of ", pattern, " takes precedence");
      default:
        if (!Pattern::HasWildcard(winner.pattern())) {
          return absl::StrCat("the override with the exact name ", pattern, " takes precedence");
        }
        return absl::StrCat("the earlier override ", pattern, " matches first");
    }
  }

  std::string Fix(size_t override, const v1::LayerRule& winner) const {
    const v1::LayerConfigEntry& entry = context_.spec.layer_config(static_cast<int>(override));
    const std::string own = Option("--layer", absl::StrCat(entry.pattern(), "=", entry.scheme()));
    switch (winner.kind()) {
      case v1::LAYER_RULE_KIND_KV_CACHE:
        if (KvCacheConfig(winner.pattern()).weight().empty()) return absl::StrCat("Remove ", own);  // it is excluded
        if (winner.pattern() == entry.pattern()) return absl::StrCat("Put ", own, " before the other overrides");
        return Option("--layer", absl::StrCat(winner.pattern(), "=", entry.scheme()));
      case v1::LAYER_RULE_KIND_EXCLUDED:
        return absl::StrCat("Remove ", own, ", or the exclusion ", Quoted(winner.pattern()));
      default:
        if (!Pattern::HasWildcard(winner.pattern())) return absl::StrCat("Remove ", own);
        return absl::StrCat("Put ", own, " before the override ", Quoted(winner.pattern()));
    }
  }

  absl::Status CheckLayerType(int i) {
    const std::string& type = context_.spec.layer_type_config(i).layer_type();
    const auto& rules = context_.plan.rules;
    const bool wins = std::any_of(rules.begin(), rules.end(), [&type](const v1::LayerRule& candidate) {
      return candidate.kind() == v1::LAYER_RULE_KIND_LAYER_TYPE && candidate.pattern() == type;
    });
    if (wins) return absl::OkStatus();
    AffectedModules modules;
    QCONFIG_RETURN_IF_ERROR(token_.Spend(context_.modules.size() * kStepsPerModule));
    for (size_t module = 0; module < context_.modules.size(); ++module) {
      if (context_.modules.message(module).type() == type) modules.Add(module);
    }
    const bool exists = modules.count() > 0;
    v1::Finding& finding = *findings_.Add(
        exists ? v1::FINDING_CODE_OVERRIDE_NEVER_WINS : v1::FINDING_CODE_PATTERN_MATCHES_NOTHING,
        v1::FINDING_SEVERITY_WARNING,
        exists ? absl::StrCat("the override of the type ", type, " has no effect, because all ",
                              Modules(modules.count()), " of this type are excluded or have overrides by name")
               : absl::StrCat("no module has the type ", type, ", so the override of this type has no effect"),
        absl::StrCat("Remove ",
                     Option("--layer-type", absl::StrCat(type, "=", context_.spec.layer_type_config(i).scheme()))));
    finding.set_field(absl::StrCat("spec.layer_type_config[", i, "].layer_type"));
    modules.CopyTo(context_.modules, finding);
    return absl::OkStatus();
  }

  static constexpr size_t kStepsPerModule = 10;

  const PlanContext& context_;
  CancellationToken& token_;
  FindingList& findings_;
  const absl::Span<const v1::PatternUse> overrides_;
};

}  // namespace

absl::Status FindOverrideFindings(const PlanContext& context, CancellationToken& token, FindingList& findings) {
  return LosingOverrideFinder(context, token, findings).Find();
}

}  // namespace qconfig
