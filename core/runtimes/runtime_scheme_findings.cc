// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/findings/finding_text.h"
#include "core/findings/module_kinds.h"
#include "core/message_text.h"
#include "core/runtimes/config_classes.h"
#include "core/runtimes/finding_groups.h"
#include "core/runtimes/runtime_findings.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

// The modules with one configuration that a runtime judges alike.
struct Judged {
  uint32_t config;      // index in LayerPlan::configs
  bool is_expert;       // otherwise a linear layer
  bool output_is_read;  // the runtime takes the quantized output as part of the KV cache or attention

  bool operator==(const Judged& other) const {
    return config == other.config && is_expert == other.is_expert && output_is_read == other.output_is_read;
  }
  template <typename H>
  friend H AbslHashValue(H h, const Judged& judged) {
    return H::combine(std::move(h), judged.config, judged.is_expert, judged.output_is_read);
  }
};

class SchemeFinder {
 public:
  SchemeFinder(const PlanContext& context, const Runtime& runtime, CancellationToken& token, FindingList& findings)
      : context_(context), runtime_(runtime), token_(token), findings_(findings), kinds_(context.kinds) {
    absl::flat_hash_set<absl::string_view> projections;
    for (const v1::LayerQuantConfigEntry& entry : context.config.layer_quant_config()) {
      if (entry.origin() != v1::ENTRY_ORIGIN_REQUEST) projections.insert(entry.pattern());
    }
    for (const v1::LayerRule& rule : context.plan.rules) {
      output_is_read_.push_back(rule.kind() == v1::LAYER_RULE_KIND_KV_CACHE ||
                                (rule.kind() == v1::LAYER_RULE_KIND_OVERRIDE && projections.contains(rule.pattern())));
    }
  }

  absl::Status Find() {
    const auto& forms = context_.modules.forms();
    QCONFIG_RETURN_IF_ERROR(token_.Spend(forms.size() * kStepsPerModule));
    for (size_t f = 0; f < forms.size(); ++f) {
      is_unloadable_.push_back(IsUnloadable(kinds_.kinds()[f].last, forms[f].message->type()));
    }
    for (size_t i = 0; i < context_.modules.size(); ++i) {
      QCONFIG_RETURN_IF_ERROR(token_.Spend(kStepsPerModule));
      const uint32_t config = context_.plan.config_of_module[i];
      if (config == 0) continue;
      const ModuleKinds::Kind& kind = kinds_.Of(i);
      if (is_unloadable_[context_.modules.form_of(i)]) {
        unloadable_.Add(kind.last, i, context_.modules.name(i));
      } else if (kind.is_linear) {
        has_experts_ |= kind.is_expert;
        judged_.Add({config - 1, kind.is_expert, output_is_read_[context_.plan.rule_of_module[i]]}, i,
                    context_.modules.name(i));
      }
    }
    for (auto& group : unloadable_.groups()) ReportUnloadable(group);
    QCONFIG_RETURN_IF_ERROR(Judge());
    for (auto& [key, modules] : needs_) ReportNeed(runtime_.needs.at(key), modules);
    return absl::OkStatus();
  }

 private:
  static constexpr size_t kStepsPerModule = 20;

  bool IsUnloadable(absl::string_view last, const std::string& type) const {
    if (!runtime_.unloadable.has_value()) return false;
    const auto has = [](const std::vector<std::string>& list, absl::string_view text) {
      return std::find(list.begin(), list.end(), text) != list.end();
    };
    return has(runtime_.unloadable->names, last) || has(runtime_.unloadable->types, type);
  }

  v1::Finding& Add(v1::FindingCode code, v1::FindingSeverity severity, const std::string& message,
                   const std::string& fix) {
    v1::Finding& finding = *findings_.Add(code, severity, message, fix);
    finding.set_runtime(runtime_.id());
    return finding;
  }

  std::string Who() const { return absl::StrCat(runtime_.title, " ", runtime_.version); }

  // A pattern for the modules with the last component `last`, such as the module `example`. A number alone would match
  // other modules, too.
  std::string PatternFor(absl::string_view last, size_t example) const {
    if (last.find_first_not_of("0123456789") != absl::string_view::npos) return absl::StrCat("*", last);
    return absl::StrCat("*", LastComponent(ParentName(context_.modules.name(example))), ".", last);
  }

  void ReportUnloadable(FindingGroups<absl::string_view>::Group& group) {
    v1::Finding& finding = Add(v1::FINDING_CODE_RUNTIME_REJECTS_HEAD, v1::FINDING_SEVERITY_ERROR,
                               absl::StrCat(Who(), " fails to load these modules: ", runtime_.unloadable->cause),
                               ExcludeOptions(context_, {PatternFor(group.key, group.example)}));
    finding.set_field(context_.plan.rule(group.example).field());
    MoveModules(group.modules, finding);
  }

  absl::Status Judge() {
    constexpr size_t kStepsPerConfig = 20'000;
    for (auto& group : judged_.groups()) {
      QCONFIG_RETURN_IF_ERROR(token_.Spend(kStepsPerConfig));
      const auto [config, is_expert, output_is_read] = group.key;
      const SchemeRules& rules = is_expert ? runtime_.experts : runtime_.linear;
      v1::QLayerConfig layer = context_.plan.configs[config];
      if (output_is_read) layer.clear_output_tensors();
      // A K or V layer of which only the output is quantized is an ordinary layer for the runtime.
      if (layer.weight().empty() && layer.input_tensors().empty() && output_is_read) continue;
      const SchemeRules::Verdict verdict = rules.Judge(layer);
      if (!verdict.accepted) {
        QCONFIG_RETURN_IF_ERROR(FindAcceptedSchemes());
        ReportRejection(*verdict.rule, group);
        continue;
      }
      for (const std::string& key : verdict.rule->needs) {
        v1::Finding& modules = needs_[key];
        for (const std::string& name : group.modules.modules()) AddModule(name, modules);
        modules.set_module_count(modules.module_count() - group.modules.modules_size() + group.modules.module_count());
      }
    }
    return absl::OkStatus();
  }

  void ReportRejection(const SchemeRule& rule, FindingGroups<Judged>::Group& group) {
    const v1::LayerRule& decided_by = context_.plan.rule(group.example);
    v1::Finding& finding =
        Add(group.key.is_expert ? v1::FINDING_CODE_RUNTIME_REJECTS_EXPERTS : v1::FINDING_CODE_RUNTIME_REJECTS_LINEAR,
            rule.is_certain ? v1::FINDING_SEVERITY_ERROR : v1::FINDING_SEVERITY_WARNING,
            absl::StrCat(Who(), rule.is_certain ? " rejects " : " probably rejects ",
                         group.key.is_expert ? "experts" : "linear layers", " with ",
                         DescribeConfig(context_.plan.configs[group.key.config]), ": ", rule.cause),
            Fix(decided_by, group.key));
    finding.set_field(decided_by.kind() == v1::LAYER_RULE_KIND_GLOBAL ? "spec.scheme" : decided_by.field());
    MoveModules(group.modules, finding);
  }

  bool Accepts(const v1::QLayerConfig& config, bool is_expert) const {
    return (is_expert ? runtime_.experts : runtime_.linear).Judge(config).accepted;
  }

  // Fills `accepted_schemes_` at the first rejection. A tenant may have thousands of schemes.
  absl::Status FindAcceptedSchemes() {
    constexpr size_t kStepsPerScheme = 5'000;
    if (std::exchange(has_accepted_schemes_, true)) return absl::OkStatus();
    QCONFIG_RETURN_IF_ERROR(token_.Spend(context_.snapshot.schemes().size() * kStepsPerScheme));
    for (const v1::Scheme* scheme : context_.snapshot.schemes()) {
      const v1::QLayerConfig& config = scheme->config();
      if (config.weight().empty()) continue;
      for (const bool is_expert : {false, true}) {
        if (Accepts(config, is_expert)) {
          accepted_schemes_.emplace(std::make_pair(config.weight(0).dtype(), is_expert), scheme->name());
        }
      }
    }
    return absl::OkStatus();
  }

  // The name of a scheme that the runtime accepts: one with the same data type of the weight, or the runtime's own
  // suggestion. Empty if it accepts none.
  std::string AcceptedScheme(const v1::QLayerConfig& rejected, bool is_expert) const {
    if (!rejected.weight().empty()) {
      const auto it = accepted_schemes_.find({rejected.weight(0).dtype(), is_expert});
      if (it != accepted_schemes_.end()) return it->second;
    }
    const auto fallback = context_.snapshot.FindScheme(runtime_.fallback_scheme, "");
    return fallback.ok() && Accepts((*fallback)->config(), is_expert) ? runtime_.fallback_scheme : "";
  }

  std::string Fix(const v1::LayerRule& rule, const Judged& judged) const {
    const v1::QLayerConfig& rejected = context_.plan.configs[judged.config];
    const std::string scheme = AcceptedScheme(rejected, judged.is_expert);
    const std::string experts = absl::StrCat("*.", BuiltinFusedGroups().expert_list(), "*");
    if (scheme.empty()) return ExcludeOptions(context_, {judged.is_expert ? experts : "*"});
    if (rule.kind() == v1::LAYER_RULE_KIND_OVERRIDE && !SchemeOfRule(context_.spec, rule).empty()) {
      return LayerOption(rule.pattern(), scheme);
    }
    if (rule.kind() == v1::LAYER_RULE_KIND_LAYER_TYPE) {
      return Option("--layer-type", absl::StrCat(rule.pattern(), "=", scheme));
    }
    // A projection of the KV cache or attention that has its weight from an override.
    if (rule.kind() != v1::LAYER_RULE_KIND_GLOBAL && !HasGlobalConfig(rejected)) {
      return LayerOption(rule.pattern(), scheme);
    }
    if (judged.is_expert && Accepts(rejected, /*is_expert=*/false)) return LayerOption(experts, scheme);
    const bool keep_experts = has_experts_ && !judged.is_expert && Accepts(rejected, /*is_expert=*/true);
    return absl::StrCat(SchemeOption(scheme),
                        keep_experts ? absl::StrCat(" ", LayerOption(experts, context_.spec.scheme())) : "");
  }

  bool HasGlobalConfig(const v1::QLayerConfig& config) const {
    ConfigClasses classes;
    return classes.Of(config) == classes.Of(context_.config.global_quant_config());
  }

  void ReportNeed(const RuntimeNeed& need, v1::Finding& modules) {
    v1::Finding& finding =
        Add(v1::FINDING_CODE_RUNTIME_NEEDS_HARDWARE, v1::FINDING_SEVERITY_INFO, need.message, need.fix);
    MoveModules(modules, finding);
  }

  const PlanContext& context_;
  const Runtime& runtime_;
  CancellationToken& token_;
  FindingList& findings_;
  const ModuleKinds& kinds_;
  // By rule of the plan: whether a quantized output belongs to the KV cache or to attention, which
  // FindRuntimeKvFindings() checks.
  std::vector<bool> output_is_read_;
  std::vector<bool> is_unloadable_;              // by form
  bool has_experts_ = false;                     // whether experts are quantized
  FindingGroups<absl::string_view> unloadable_;  // by last component
  FindingGroups<Judged> judged_;
  bool has_accepted_schemes_ = false;
  // The first one for each data type of the weight, for linear layers (false) and experts (true).
  std::map<std::pair<v1::Dtype, bool>, std::string> accepted_schemes_;
  std::map<std::string, v1::Finding> needs_;  // modules by SchemeRule::needs
};

}  // namespace

absl::Status FindRuntimeSchemeFindings(const PlanContext& context, const Runtime& runtime, CancellationToken& token,
                                       FindingList& findings) {
  return SchemeFinder(context, runtime, token, findings).Find();
}

}  // namespace qconfig
