// SPDX-License-Identifier: Apache-2.0
#include "core/findings/role_findings.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/findings/finding_text.h"
#include "core/findings/module_names.h"
#include "core/message_text.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

struct RoleText {
  v1::FindingCode code;
  absl::string_view modules;
  absl::string_view effect;
};

RoleText TextOf(const NamedRole* role) {
  if (role == nullptr) {
    return {v1::FINDING_CODE_EMBEDDING_QUANTIZED, "an embedding", "which most runtimes cannot load"};
  }
  switch (role->role) {
    case ModuleRole::kRouter:
      return {v1::FINDING_CODE_ROUTER_QUANTIZED, "the router of a mixture of experts",
              "which changes the choice of experts and costs accuracy for little memory"};
    case ModuleRole::kHead:
      return {v1::FINDING_CODE_LM_HEAD_QUANTIZED, "the output head",
              "which costs accuracy, and which most runtimes cannot load"};
    case ModuleRole::kTower:
      break;
  }
  return {v1::FINDING_CODE_TOWER_QUANTIZED, "the vision or audio tower",
          "which costs accuracy, and which most runtimes cannot load"};
}

// Modules with the same role, whose configuration comes from the same rule.
struct RoleGroup {
  const NamedRole* role;  // null: an embedding
  uint32_t rule;
  AffectedModules modules;
};

class RoleFinder {
 public:
  RoleFinder(const PlanContext& context, CancellationToken& token, FindingList& findings)
      : context_(context), token_(token), findings_(findings) {
    has_weight_.push_back(false);  // not quantized
    for (const v1::QLayerConfig& config : context.plan.configs) has_weight_.push_back(config.weight_size() > 0);
  }

  absl::Status Find() {
    QCONFIG_RETURN_IF_ERROR(CollectGroups());
    for (const RoleGroup& group : groups_) Add(group);
    return absl::OkStatus();
  }

 private:
  absl::Status CollectGroups() {
    constexpr size_t kStepsPerModule = 3;
    constexpr size_t kStepsPerForm = 100;
    constexpr size_t kStepsPerChar = 10;
    const ModuleList& modules = context_.modules;
    struct FormRole {
      bool has_role;
      const NamedRole* role;  // if `has_role`: null for an embedding
    };
    std::vector<FormRole> roles;
    roles.reserve(modules.forms().size());
    for (const ModuleList::Form& form : modules.forms()) {
      const absl::string_view name = modules.name(form.first);
      QCONFIG_RETURN_IF_ERROR(token_.Spend(kStepsPerForm + kStepsPerChar * name.size()));
      const NamedRole* const role = ModuleNames::Builtin().FindRole(name);
      roles.push_back({role != nullptr || absl::StartsWith(form.message->type(), "Embedding"), role});
    }
    QCONFIG_RETURN_IF_ERROR(token_.Spend(modules.size() * kStepsPerModule));
    for (size_t i = 0; i < modules.size(); ++i) {
      const FormRole& found = roles[modules.form_of(i)];
      if (found.has_role && has_weight_[context_.plan.config_of_module[i]]) AddToGroup(found.role, i);
    }
    return absl::OkStatus();
  }

  void AddToGroup(const NamedRole* role, size_t module) {
    const uint32_t rule = context_.plan.rule_of_module[module];
    auto group = std::find_if(groups_.begin(), groups_.end(), [role, rule](const RoleGroup& candidate) {
      return candidate.role == role && candidate.rule == rule;
    });
    if (group == groups_.end()) {
      if (groups_.size() == kMaxGroups) return;
      group = groups_.insert(group, {role, rule, {}});
    }
    group->modules.Add(module);
  }

  void Add(const RoleGroup& group) {
    const absl::string_view first = context_.modules.name(group.modules.first());
    const std::string exclusion =
        group.role != nullptr ? group.role->exclusion : absl::StrCat("*", first.substr(first.rfind('.') + 1));
    const v1::LayerRule& rule = context_.plan.rules[group.rule];
    const RoleText text = TextOf(group.role);
    // An override such as "*lm_head" names what it quantizes; "*" may not mean it.
    const bool is_meant = rule.kind() == v1::LAYER_RULE_KIND_OVERRIDE &&
                          absl::StrContains(rule.pattern(), absl::StrReplaceAll(exclusion, {{"*", ""}, {".*", ""}}));
    v1::Finding& finding = *findings_.Add(
        text.code, is_meant ? v1::FINDING_SEVERITY_INFO : v1::FINDING_SEVERITY_WARNING,
        absl::StrCat(text.modules, " is quantized (", Modules(group.modules.count()), "), ", text.effect),
        ExcludeOptions(context_, {exclusion}));
    finding.set_field(rule.field().empty() ? "spec.scheme" : rule.field());
    group.modules.CopyTo(context_.modules, finding);
  }

  // A real model has fewer.
  static constexpr size_t kMaxGroups = 100;

  const PlanContext& context_;
  CancellationToken& token_;
  FindingList& findings_;
  std::vector<bool> has_weight_;  // by config_of_module
  std::vector<RoleGroup> groups_;
};

}  // namespace

absl::Status FindRoleFindings(const PlanContext& context, CancellationToken& token, FindingList& findings) {
  return RoleFinder(context, token, findings).Find();
}

}  // namespace qconfig
