// SPDX-License-Identifier: Apache-2.0
#include "core/runtimes/fused_findings.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/findings/finding_text.h"
#include "core/findings/module_kinds.h"
#include "core/runtimes/config_classes.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

constexpr uint32_t kAbsent = static_cast<uint32_t>(-1);  // the class of a part that a model does not have

// Modules that must agree, and what the first pass finds out about them.
struct GroupState {
  const FusedGroup* fused = nullptr;  // null: the experts of a layer
  bool is_seen = false;
  bool is_mixed = false;  // whether its modules have different configurations anywhere in the model
  uint32_t first_class = 0;
};

// The role of modules with one name in a group.
struct Membership {
  size_t group;
  size_t part;
};

// The parts with one parent, or the experts of one list.
struct Instance {
  // By part. For experts, the first kMaxClasses different ones, in the order of the modules.
  std::vector<uint32_t> classes;
  size_t cause = kNoCause;

  static constexpr size_t kMaxClasses = 4;
  static constexpr size_t kNoCause = static_cast<size_t>(-1);
};

// What becomes one finding.
struct Cause {
  v1::Finding modules;           // only names and count
  std::vector<size_t> examples;  // the first module of each class
};

bool IsMixed(const std::vector<uint32_t>& classes) {
  uint32_t first = kAbsent;
  for (const uint32_t c : classes) {
    if (c != kAbsent && first != kAbsent && c != first) return true;
    if (c != kAbsent) first = c;
  }
  return false;
}

class FusedFinder {
 public:
  FusedFinder(const PlanContext& context, const Runtime* runtime, CancellationToken& token, FindingList& findings)
      : context_(context),
        runtime_(runtime),
        token_(token),
        findings_(findings),
        table_(runtime == nullptr ? BuiltinFusedGroups() : *runtime->fused_groups),
        kinds_(context.kinds) {
    ConfigClasses classes;
    class_of_config_ = classes.OfPlan(context.plan);
    groups_.emplace_back();  // kExperts
    for (const FusedGroup& group : table_.Of(model_type())) {
      if (IsLookedUpByName(group)) continue;
      for (size_t part = 0; part < group.parts.size(); ++part) {
        memberships_[group.parts[part]].push_back({groups_.size(), part});
      }
      groups_.emplace_back().fused = &group;
    }
    memberships_of_form_.reserve(kinds_.kinds().size());
    for (const ModuleKinds::Kind& kind : kinds_.kinds()) memberships_of_form_.push_back(&MembershipsOf(kind));
  }

  absl::Status Find() {
    QCONFIG_RETURN_IF_ERROR(FindMixedGroups());
    for (size_t g = 0; g < groups_.size(); ++g) {
      if (groups_[g].is_mixed) QCONFIG_RETURN_IF_ERROR(FindCauses(g));
    }
    return absl::OkStatus();
  }

 private:
  static constexpr size_t kStepsPerModule = 40;
  static constexpr size_t kExperts = 0;  // in `groups_`

  const std::string& model_type() const { return context_.llm_template.model_type(); }

  // Whether the runtime never looks at the parts of `group`, which FindRuntimeOverrideFindings() reports.
  bool IsLookedUpByName(const FusedGroup& group) const {
    if (runtime_ == nullptr || !runtime_->fused_lookup.has_value()) return false;
    const FusedLookup& lookup = *runtime_->fused_lookup;
    return lookup.group.fused == group.fused &&
           std::find(lookup.model_types.begin(), lookup.model_types.end(), model_type()) != lookup.model_types.end();
  }

  const std::vector<Membership>& MembershipsOf(const ModuleKinds::Kind& kind) const {
    static const auto* const kNone = new std::vector<Membership>();
    static const auto* const kExpert = new std::vector<Membership>{{kExperts, 0}};
    if (!kind.is_linear) return *kNone;
    if (kind.is_expert) return *kExpert;
    const auto it = memberships_.find(kind.last);
    return it == memberships_.end() ? *kNone : it->second;
  }

  const std::vector<Membership>& MembershipsOf(size_t i) const {
    return *memberships_of_form_[context_.modules.form_of(i)];
  }

  uint32_t ClassOf(size_t i) const { return class_of_config_[context_.plan.config_of_module[i]]; }

  // Most models are done after this pass.
  absl::Status FindMixedGroups() {
    for (size_t i = 0; i < context_.modules.size(); ++i) {
      QCONFIG_RETURN_IF_ERROR(token_.Spend(kStepsPerModule));
      for (const Membership& membership : MembershipsOf(i)) {
        GroupState& group = groups_[membership.group];
        if (!std::exchange(group.is_seen, true)) group.first_class = ClassOf(i);
        group.is_mixed |= group.first_class != ClassOf(i);
      }
    }
    return absl::OkStatus();
  }

  absl::Status FindCauses(size_t g) {
    std::vector<Instance> instances;
    absl::flat_hash_map<absl::string_view, uint32_t> numbers;  // of the instances, by parent or list
    std::vector<std::pair<uint32_t, uint32_t>> members;        // module and instance
    absl::string_view previous_parent;                         // parts often follow each other
    uint32_t number = 0;
    for (size_t i = 0; i < context_.modules.size(); ++i) {
      QCONFIG_RETURN_IF_ERROR(token_.Spend(kStepsPerModule));
      for (const auto& [group, part] : MembershipsOf(i)) {
        if (group != g) continue;
        const absl::string_view parent = g == kExperts ? kinds_.ExpertList(i) : ParentName(context_.modules.name(i));
        if (members.empty() || parent != previous_parent) {
          const auto [it, is_new] = numbers.try_emplace(parent, static_cast<uint32_t>(instances.size()));
          if (is_new) instances.emplace_back();
          number = it->second;
          previous_parent = parent;
        }
        AddClass(ClassOf(i), g, part, instances[number]);
        members.emplace_back(static_cast<uint32_t>(i), number);
      }
    }
    std::vector<Cause> causes;
    cause_of_classes_.clear();
    for (const auto& [module, instance] : members) AddToCause(module, instances[instance], causes);
    for (Cause& cause : causes) Report(groups_[g], cause);
    return absl::OkStatus();
  }

  void AddClass(uint32_t c, size_t g, size_t part, Instance& instance) const {
    std::vector<uint32_t>& classes = instance.classes;
    if (g != kExperts) {
      classes.resize(groups_[g].fused->parts.size(), kAbsent);
      classes[part] = c;
    } else if (classes.size() < Instance::kMaxClasses &&
               std::find(classes.begin(), classes.end(), c) == classes.end()) {
      classes.push_back(c);
    }
  }

  // Instances with the same configurations have the same cause.
  void AddToCause(size_t module, Instance& instance, std::vector<Cause>& causes) {
    if (!IsMixed(instance.classes)) return;
    if (instance.cause == Instance::kNoCause) {
      const auto it = cause_of_classes_.find(instance.classes);
      if (it == cause_of_classes_.end() && causes.size() == FindingList::kMaxFindings) return;
      instance.cause = it == cause_of_classes_.end() ? causes.size() : it->second;
      if (it == cause_of_classes_.end()) {
        cause_of_classes_[instance.classes] = causes.size();
        causes.emplace_back();
      }
    }
    Cause& cause = causes[instance.cause];
    AddModule(context_.modules.name(module), cause.modules);
    if (cause.examples.size() == Instance::kMaxClasses) return;
    const auto has_class = [&](size_t example) { return ClassOf(example) == ClassOf(module); };
    if (std::none_of(cause.examples.begin(), cause.examples.end(), has_class)) cause.examples.push_back(module);
  }

  void Report(const GroupState& group, Cause& cause) {
    const bool partly = std::any_of(cause.examples.begin(), cause.examples.end(),
                                    [this](size_t i) { return ClassOf(i) == ConfigClasses::kNotQuantized; });
    // The module with the more specific rule is the one that the caller made different.
    const auto odd = std::find_if(cause.examples.begin(), cause.examples.end(), [this](size_t i) {
      return context_.plan.rule(i).kind() != v1::LAYER_RULE_KIND_GLOBAL;
    });
    const size_t example = odd == cause.examples.end() ? cause.examples.front() : *odd;
    const bool is_error = runtime_ != nullptr && group.fused != nullptr && runtime_->fused_groups->Has(model_type());
    v1::Finding& finding =
        *findings_.Add(partly ? v1::FINDING_CODE_FUSED_MODULES_PARTLY_EXCLUDED : v1::FINDING_CODE_FUSED_MODULES_DIFFER,
                       is_error ? v1::FINDING_SEVERITY_ERROR : v1::FINDING_SEVERITY_WARNING,
                       Message(group, cause, is_error), Fix(group, example, partly));
    finding.set_field(context_.plan.rule(example).field());
    finding.mutable_modules()->Swap(cause.modules.mutable_modules());
    finding.set_module_count(cause.modules.module_count());
    if (runtime_ != nullptr) finding.set_runtime(runtime_->id());
  }

  std::string Message(const GroupState& group, const Cause& cause, bool is_error) const {
    std::vector<std::string> differences;
    for (const size_t i : cause.examples) {
      const absl::string_view name = context_.modules.name(i);
      const v1::QLayerConfig* const config = context_.plan.config(i);
      differences.push_back(absl::StrCat(group.fused == nullptr ? name : LastComponent(name), " has ",
                                         config == nullptr ? "no quantization" : DescribeConfig(*config)));
    }
    const std::string modules = group.fused == nullptr ? "the experts of a layer run as one matrix"
                                                       : absl::StrCat(absl::StrJoin(group.fused->parts, ", "),
                                                                      " run as one matrix, ", group.fused->fused);
    const std::string who =
        runtime_ == nullptr ? "serving runtimes" : absl::StrCat(runtime_->title, " ", runtime_->version);
    const char* const effect = is_error              ? " rejects the checkpoint"
                               : runtime_ == nullptr ? " reject or misread such a checkpoint"
                                                     : " may reject or misread the checkpoint";
    return absl::StrCat(modules, ", but ", absl::StrJoin(differences, "; "), ": ", who, effect);
  }

  std::string Fix(const GroupState& group, size_t example, bool partly) const {
    const v1::LayerRule& rule = context_.plan.rule(example);
    const std::string scheme = SchemeOfRule(context_.spec, rule);
    const bool is_exclusion = rule.kind() == v1::LAYER_RULE_KIND_EXCLUDED;
    if (group.fused == nullptr) {
      if (is_exclusion) return ExcludeOptions(context_, {}, rule.pattern());
      const std::string all = absl::StrCat("*.", table_.expert_list(), "*");
      return scheme.empty() ? "" : LayerOption(all, scheme);
    }
    const absl::string_view part = LastComponent(context_.modules.name(example));
    absl::string_view prefix = rule.pattern();
    const bool names_part = absl::ConsumeSuffix(&prefix, part);
    // Another pattern may match this part in a few layers only, so the fix has a pattern for every part.
    if (!names_part) prefix = "*";
    std::vector<std::string> patterns;
    for (const std::string& other : group.fused->parts) {
      if (!names_part || other != part) patterns.push_back(absl::StrCat(prefix, other));
    }
    if (partly) return is_exclusion ? ExcludeOptions(context_, patterns) : "";
    if (scheme.empty()) return "";
    return absl::StrJoin(patterns, " ", [&scheme](std::string* out, const std::string& pattern) {
      out->append(LayerOption(pattern, scheme));
    });
  }

  const PlanContext& context_;
  const Runtime* const runtime_;
  CancellationToken& token_;
  FindingList& findings_;
  const FusedGroupTable& table_;
  const ModuleKinds& kinds_;
  std::vector<uint32_t> class_of_config_;
  std::vector<GroupState> groups_;
  absl::flat_hash_map<absl::string_view, std::vector<Membership>> memberships_;  // by last component
  std::vector<const std::vector<Membership>*> memberships_of_form_;
  absl::flat_hash_map<std::vector<uint32_t>, size_t> cause_of_classes_;  // of the current group
};

}  // namespace

absl::Status FindFusedFindings(const PlanContext& context, const Runtime* runtime, CancellationToken& token,
                               FindingList& findings) {
  if (runtime != nullptr && !runtime->fused_groups.has_value()) return absl::OkStatus();
  return FusedFinder(context, runtime, token, findings).Find();
}

}  // namespace qconfig
