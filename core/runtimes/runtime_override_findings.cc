// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/findings/module_kinds.h"
#include "core/pattern.h"
#include "core/runtimes/config_classes.h"
#include "core/runtimes/difference_text.h"
#include "core/runtimes/exported_overrides.h"
#include "core/runtimes/finding_groups.h"
#include "core/runtimes/runtime_findings.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

using Entry = v1::LayerQuantConfigEntry;

// The experts of one layer.
struct ExpertBank {
  absl::string_view list;
  bool has_excluded = false;
  uint32_t exclusion = 0;  // the rule, if `has_excluded`
  bool is_looked_up = false;
  const Entry* entry = nullptr;  // if `is_looked_up`
};

class OverrideFinder {
 public:
  OverrideFinder(const PlanContext& context, const Runtime& runtime, CancellationToken& token, FindingList& findings)
      : context_(context),
        runtime_(runtime),
        token_(token),
        findings_(findings),
        kinds_(context.kinds),
        overrides_(context.config, runtime) {
    class_of_config_ = classes_.OfPlan(context.plan);
    global_class_ = classes_.Of(context.config.global_quant_config());
    for (const Entry& entry : context.config.layer_quant_config()) {
      class_of_entry_[&entry] = classes_.Of(entry.config());
      can_differ_ |= class_of_entry_[&entry] != global_class_;
    }
    can_differ_ |= !context.config.layer_type_quant_config().empty() && !runtime.reads_layer_types;
    const std::string& model_type = context.llm_template.model_type();
    uses_fused_lookup_ = runtime.fused_lookup.has_value() && Has(runtime.fused_lookup->model_types, model_type);
    if (runtime.native_fused.has_value()) {
      const auto it = runtime.native_fused->modules.find(model_type);
      if (it != runtime.native_fused->modules.end()) native_fused_ = &it->second;
    }
    lookups_.reserve(kinds_.kinds().size());
    for (const ModuleKinds::Kind& kind : kinds_.kinds()) lookups_.push_back(LookupOf(kind));
  }

  absl::Status Find() {
    if (runtime_.looks_up_expert_list) QCONFIG_RETURN_IF_ERROR(FindBanks());
    for (size_t i = 0; i < context_.modules.size(); ++i) {
      QCONFIG_RETURN_IF_ERROR(token_.Spend(kStepsPerModule));
      if (context_.plan.rule(i).kind() == v1::LAYER_RULE_KIND_NOT_QUANTIZABLE) continue;
      if (kinds_.Of(i).is_linear) QCONFIG_RETURN_IF_ERROR(Check(i));
    }
    for (auto& group : differences_.groups()) Report(group);
    return absl::OkStatus();
  }

 private:
  static constexpr size_t kStepsPerModule = 40;
  static constexpr uint32_t kAnyRule = 0;  // of findings whose cause is not a rule

  enum class Lookup { kByName, kByExpertList, kByFusedName, kNative };

  uint32_t ClassOf(size_t i) const { return class_of_config_[context_.plan.config_of_module[i]]; }
  uint32_t ClassOf(const Entry* entry) { return entry == nullptr ? global_class_ : class_of_entry_[entry]; }
  bool IsExcluded(size_t i) const { return context_.plan.rule(i).kind() == v1::LAYER_RULE_KIND_EXCLUDED; }

  static bool Has(const std::vector<std::string>& list, absl::string_view text) {
    return std::find(list.begin(), list.end(), text) != list.end();
  }

  Lookup LookupOf(const ModuleKinds::Kind& kind) const {
    if (kind.is_expert && runtime_.looks_up_expert_list) return Lookup::kByExpertList;
    if (uses_fused_lookup_ && Has(runtime_.fused_lookup->group.parts, kind.last)) return Lookup::kByFusedName;
    if (native_fused_ != nullptr && Has(*native_fused_, kind.last)) return Lookup::kNative;
    return Lookup::kByName;
  }

  absl::Status FindBanks() {
    for (size_t i = 0; i < context_.modules.size(); ++i) {
      QCONFIG_RETURN_IF_ERROR(token_.Spend(kStepsPerModule));
      if (!kinds_.Of(i).is_linear || !kinds_.Of(i).is_expert || !IsExcluded(i)) continue;
      ExpertBank& bank = BankOf(i);
      has_excluded_experts_ = true;
      if (!std::exchange(bank.has_excluded, true)) bank.exclusion = context_.plan.rule_of_module[i];
    }
    return absl::OkStatus();
  }

  static bool IsIn(const ExpertBank& bank, absl::string_view name) {
    return name.size() > bank.list.size() && name[bank.list.size()] == '.' && absl::StartsWith(name, bank.list);
  }

  ExpertBank& BankOf(size_t i) {
    if (last_bank_ < banks_.size() && IsIn(banks_[last_bank_], context_.modules.name(i))) return banks_[last_bank_];
    const absl::string_view list = kinds_.ExpertList(i);
    const auto [it, is_new] = number_of_bank_.try_emplace(list, banks_.size());
    if (is_new) banks_.emplace_back().list = list;
    last_bank_ = it->second;
    return banks_[last_bank_];
  }

  void AddDifference(v1::FindingCode code, uint32_t rule, const Entry* read, size_t i) {
    differences_.Add({code, rule, read}, i, context_.modules.name(i));
  }

  absl::Status Check(size_t i) {
    const uint32_t rule = context_.plan.rule_of_module[i];
    switch (lookups_[context_.modules.form_of(i)]) {
      case Lookup::kByExpertList:
        return CheckExpert(i);
      case Lookup::kByFusedName:
        return CheckByFusedName(i);
      case Lookup::kNative:
        if (ClassOf(i) == ConfigClasses::kNotQuantized) return absl::OkStatus();
        if (runtime_.native_fused->effect == NativeFusedModules::Effect::kRejected) {
          AddDifference(v1::FINDING_CODE_RUNTIME_REJECTS_FUSED_MODULE, kAnyRule, nullptr, i);
        } else if (ClassOf(i) != global_class_) {
          AddDifference(v1::FINDING_CODE_RUNTIME_IGNORES_OVERRIDE, rule, nullptr, i);
        }
        return absl::OkStatus();
      case Lookup::kByName:
        break;
    }
    // Without weight and input, the module is one of a KV cache pattern that an exclusion stripped.
    if (!can_differ_ || ClassOf(i) == ConfigClasses::kNotQuantized) return absl::OkStatus();
    QCONFIG_ASSIGN_OR_RETURN(const Entry* read, overrides_.Find(context_.modules.name(i), token_));
    const bool is_by_type = context_.plan.rule(i).kind() == v1::LAYER_RULE_KIND_LAYER_TYPE;
    if (read == nullptr && is_by_type && runtime_.reads_layer_types) return absl::OkStatus();
    if (ClassOf(i) != ClassOf(read)) AddDifference(CodeFor(context_.plan.rule(i)), rule, read, i);
    return absl::OkStatus();
  }

  // Why the runtime does not use `rule` of Quark for a module that it looks up by name.
  v1::FindingCode CodeFor(const v1::LayerRule& rule) const {
    if (rule.kind() == v1::LAYER_RULE_KIND_LAYER_TYPE && !runtime_.reads_layer_types) {
      return v1::FINDING_CODE_RUNTIME_IGNORES_LAYER_TYPE;
    }
    if (rule.kind() == v1::LAYER_RULE_KIND_OVERRIDE && ExportedOverrides::IsMisread(rule.pattern(), runtime_)) {
      return v1::FINDING_CODE_RUNTIME_IGNORES_OVERRIDE;
    }
    return v1::FINDING_CODE_RUNTIME_OVERRIDE_ORDER;
  }

  absl::Status CheckExpert(size_t i) {
    if (IsExcluded(i) || (!can_differ_ && !has_excluded_experts_)) return absl::OkStatus();
    ExpertBank& bank = BankOf(i);
    if (bank.has_excluded) {
      AddDifference(v1::FINDING_CODE_RUNTIME_UNQUANTIZES_EXPERTS, bank.exclusion, nullptr, i);
      return absl::OkStatus();
    }
    if (!can_differ_) return absl::OkStatus();
    if (!std::exchange(bank.is_looked_up, true)) {
      QCONFIG_ASSIGN_OR_RETURN(bank.entry, overrides_.FindForExperts(bank.list, token_));
    }
    if (ClassOf(i) == ClassOf(bank.entry)) return absl::OkStatus();
    const v1::LayerRule& rule = context_.plan.rule(i);
    v1::FindingCode code = CodeFor(rule);
    if (code == v1::FINDING_CODE_RUNTIME_OVERRIDE_ORDER) {
      QCONFIG_ASSIGN_OR_RETURN(const bool matches, MatchesList(context_.plan.rule_of_module[i], bank.list));
      if (!matches) code = v1::FINDING_CODE_RUNTIME_IGNORES_EXPERT_OVERRIDE;
    }
    AddDifference(code, context_.plan.rule_of_module[i], bank.entry, i);
    return absl::OkStatus();
  }

  // Whether the pattern of `rule` matches `list`. Experts of one list often have the same rule.
  absl::StatusOr<bool> MatchesList(uint32_t rule, absl::string_view list) {
    if (matched_rule_ != rule || matched_list_ != list) {
      constexpr size_t kStepsPerChar = 20;  // to compile the pattern
      const std::string& pattern = context_.plan.rules[rule].pattern();
      QCONFIG_RETURN_IF_ERROR(token_.Spend((pattern.size() + 1) * (kStepsPerChar + list.size())));
      matched_rule_ = rule;
      matched_list_ = list;
      matches_list_ = Pattern(pattern).Matches(list);
    }
    return matches_list_;
  }

  absl::Status CheckByFusedName(size_t i) {
    const absl::string_view parent = ParentName(context_.modules.name(i));
    if (fused_parent_ != parent) {
      fused_parent_ = std::string(parent);
      const absl::string_view dot = parent.empty() ? "" : ".";
      QCONFIG_ASSIGN_OR_RETURN(fused_entry_,
                               overrides_.Find(absl::StrCat(parent, dot, runtime_.fused_lookup->group.fused), token_));
    }
    const bool is_stripped =
        ClassOf(i) == ConfigClasses::kNotQuantized && context_.plan.rule(i).kind() == v1::LAYER_RULE_KIND_KV_CACHE;
    if (is_stripped || ClassOf(i) == ClassOf(fused_entry_)) return absl::OkStatus();
    AddDifference(v1::FINDING_CODE_RUNTIME_IGNORES_QKV_RULE, context_.plan.rule_of_module[i], fused_entry_, i);
    return absl::OkStatus();
  }

  void Report(FindingGroups<Difference>::Group& group) {
    const bool is_rejected = group.key.code == v1::FINDING_CODE_RUNTIME_REJECTS_FUSED_MODULE;
    const DifferenceText text(context_, runtime_, group.key, group.example);
    v1::Finding& finding =
        *findings_.Add(group.key.code, is_rejected ? v1::FINDING_SEVERITY_ERROR : v1::FINDING_SEVERITY_WARNING,
                       text.Message(), text.Fix());
    finding.set_runtime(runtime_.id());
    if (!is_rejected) finding.set_field(context_.plan.rules[group.key.rule].field());
    MoveModules(group.modules, finding);
  }

  const PlanContext& context_;
  const Runtime& runtime_;
  CancellationToken& token_;
  FindingList& findings_;
  const ModuleKinds& kinds_;
  ExportedOverrides overrides_;
  ConfigClasses classes_;
  std::vector<uint32_t> class_of_config_;
  std::vector<Lookup> lookups_;  // by form
  uint32_t global_class_ = 0;
  absl::flat_hash_map<const Entry*, uint32_t> class_of_entry_;
  bool uses_fused_lookup_ = false;                          // for models of this type
  const std::vector<std::string>* native_fused_ = nullptr;  // in models of this type; null: none
  bool can_differ_ = false;  // whether any override has another configuration than the global one
  bool has_excluded_experts_ = false;
  std::vector<ExpertBank> banks_;
  absl::flat_hash_map<absl::string_view, size_t> number_of_bank_;  // by list
  size_t last_bank_ = 0;
  std::optional<uint32_t> matched_rule_;  // the last arguments and the result of MatchesList()
  absl::string_view matched_list_;
  bool matches_list_ = false;
  std::optional<std::string> fused_parent_;  // of `fused_entry_`
  const Entry* fused_entry_ = nullptr;
  FindingGroups<Difference> differences_;
};

}  // namespace

absl::Status FindRuntimeOverrideFindings(const PlanContext& context, const Runtime& runtime, CancellationToken& token,
                                         FindingList& findings) {
  return OverrideFinder(context, runtime, token, findings).Find();
}

}  // namespace qconfig
