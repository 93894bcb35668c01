// SPDX-License-Identifier: Apache-2.0
#include "core/runtimes/difference_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/findings/finding_text.h"
#include "core/findings/module_kinds.h"
#include "core/message_text.h"
#include "core/runtimes/exported_overrides.h"

namespace qconfig {
namespace {

v1::LayerRule OverrideRule(const std::string& pattern) {
  v1::LayerRule rule;
  rule.set_kind(v1::LAYER_RULE_KIND_OVERRIDE);
  rule.set_pattern(pattern);
  return rule;
}

size_t LeadingStars(absl::string_view pattern) { return std::min(pattern.find_first_not_of('*'), pattern.size()); }

}  // namespace

std::string DifferenceText::Comparison() const {
  const v1::QLayerConfig* const used = context_.plan.config(example_);
  const v1::QLayerConfig& read =
      difference_.read == nullptr ? context_.config.global_quant_config() : difference_.read->config();
  return absl::StrCat("it reads these modules with ",
                      difference_.read == nullptr ? "the global configuration"
                                                  : DescribeRule(OverrideRule(difference_.read->pattern())),
                      " (", DescribeConfig(read), "), but Quark uses ", DescribeRule(rule()), " (",
                      used == nullptr ? "not quantized" : DescribeConfig(*used), ")");
}

std::string DifferenceText::Message() const {
  const std::string who = absl::StrCat(runtime_.title, " ", runtime_.version);
  switch (difference_.code) {
    case v1::FINDING_CODE_RUNTIME_REJECTS_FUSED_MODULE:
      return absl::StrCat(who, " fails on these modules, which the model has in fused form, unless they are excluded");
    case v1::FINDING_CODE_RUNTIME_IGNORES_EXPERT_OVERRIDE:
      return absl::StrCat(who, " looks all experts of a layer up under the name of their list: ", Comparison());
    case v1::FINDING_CODE_RUNTIME_UNQUANTIZES_EXPERTS:
      return absl::StrCat(who, " treats all experts of a layer as not quantized if one of them is excluded, here by ",
                          DescribeRule(rule()), ": it misreads the quantized ones");
    case v1::FINDING_CODE_RUNTIME_IGNORES_QKV_RULE:
      return absl::StrCat(who, " looks these modules up only as ", runtime_.fused_lookup->group.fused, ": ",
                          Comparison());
    case v1::FINDING_CODE_RUNTIME_IGNORES_LAYER_TYPE:
      return absl::StrCat(who, " ignores overrides by layer type: ", Comparison());
    case v1::FINDING_CODE_RUNTIME_IGNORES_OVERRIDE:
      return absl::StrCat(who,
                          ExportedOverrides::IsMisread(rule().pattern(), runtime_)
                              ? " takes a pattern without * literally: "
                              : " ignores overrides of modules that the model has in fused form: ",
                          Comparison());
    default:
      return absl::StrCat(
          who, " uses the first pattern in alphabetical order, because exporting sorts them: ", Comparison());
  }
}

std::string DifferenceText::ReadScheme() const {
  return difference_.read == nullptr ? "" : SchemeOfRule(context_.spec, OverrideRule(difference_.read->pattern()));
}

std::string DifferenceText::ReorderingFix() const {
  if (difference_.read == nullptr || ReadScheme().empty()) return "";
  const std::string& read = difference_.read->pattern();
  const std::string scheme = SchemeOfRule(context_.spec, rule());
  if (rule().kind() == v1::LAYER_RULE_KIND_OVERRIDE && !scheme.empty()) {
    // `*` sorts before all characters of module names, and more of them match the same names. But "*" alone sorts
    // before every other pattern that begins with `*`, so it becomes "?*".
    const bool read_is_star = LeadingStars(read) == read.size();
    const size_t needed = read_is_star ? 1 : LeadingStars(read) + 1;
    const size_t stars = needed - std::min(needed, LeadingStars(rule().pattern()));
    return absl::StrCat(LayerOption(absl::StrCat(std::string(stars, '*'), rule().pattern()), scheme), " ",
                        LayerOption(read_is_star ? "?*" : read, ReadScheme()));
  }
  // The template's pattern is fixed. `?*` sorts after `*`, and every name has a first character.
  return absl::StartsWith(read, "*") ? LayerOption(absl::StrCat("?", read), ReadScheme()) : "";
}

std::string DifferenceText::QkvFix() const {
  if (rule().kind() == v1::LAYER_RULE_KIND_EXCLUDED) return ExcludeOptions(context_, {}, rule().pattern());
  // The override that makes the difference: Quark's, or the one that only the runtime uses.
  const bool is_global = rule().kind() == v1::LAYER_RULE_KIND_GLOBAL && difference_.read != nullptr;
  const std::string& own = is_global ? difference_.read->pattern() : rule().pattern();
  const std::string scheme = is_global ? ReadScheme() : SchemeOfRule(context_.spec, rule());
  if (scheme.empty()) return "";
  std::vector<std::string> options;
  const auto add = [&](const std::string& name) {
    const std::string pattern = absl::StrCat("*", name);
    if (pattern != own) options.push_back(LayerOption(pattern, scheme));
  };
  for (const std::string& part : runtime_.fused_lookup->group.parts) add(part);
  add(runtime_.fused_lookup->group.fused);
  return absl::StrJoin(options, " ");
}

std::string DifferenceText::Fix() const {
  const std::string scheme = SchemeOfRule(context_.spec, rule());
  switch (difference_.code) {
    case v1::FINDING_CODE_RUNTIME_REJECTS_FUSED_MODULE: {
      std::vector<std::string> patterns;
      for (const std::string& name : runtime_.native_fused->modules.at(context_.llm_template.model_type())) {
        patterns.push_back(absl::StrCat("*", name));
      }
      return ExcludeOptions(context_, patterns);
    }
    case v1::FINDING_CODE_RUNTIME_IGNORES_EXPERT_OVERRIDE:
      return scheme.empty() ? "" : LayerOption(absl::StrCat("*.", BuiltinFusedGroups().expert_list(), "*"), scheme);
    case v1::FINDING_CODE_RUNTIME_UNQUANTIZES_EXPERTS:
      return ExcludeOptions(context_, {}, rule().pattern());
    case v1::FINDING_CODE_RUNTIME_IGNORES_QKV_RULE:
      return QkvFix();
    case v1::FINDING_CODE_RUNTIME_IGNORES_LAYER_TYPE:
      return SchemeOption(scheme);
    case v1::FINDING_CODE_RUNTIME_IGNORES_OVERRIDE:
      if (ExportedOverrides::IsMisread(rule().pattern(), runtime_)) {
        return LayerOption(absl::StrCat("*", rule().pattern()), scheme);
      }
      return ExcludeOptions(context_, {absl::StrCat("*", LastComponent(context_.modules.name(example_)))});
    default:
      return ReorderingFix();
  }
}

}  // namespace qconfig
