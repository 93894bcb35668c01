// SPDX-License-Identifier: Apache-2.0
#include "core/findings/finding_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/message_text.h"
#include "core/quark_names.h"

namespace qconfig {
namespace {

using Stages = google::protobuf::RepeatedPtrField<v1::QTensorConfig>;

std::string DescribeStage(const v1::QTensorConfig& stage) {
  std::string text = QuarkName(stage.dtype());
  if (text.empty()) text = "without a data type";
  const std::string& qscheme = QuarkName(stage.qscheme());
  if (!qscheme.empty()) absl::StrAppend(&text, " ", qscheme);
  if (stage.has_group_size()) absl::StrAppend(&text, " ", stage.group_size());
  if (!stage.block_size().empty()) absl::StrAppend(&text, " ", absl::StrJoin(stage.block_size(), "x"));
  if (stage.is_dynamic()) text += " dynamic";
  return text;
}

void AppendTensor(absl::string_view name, const Stages& stages, std::vector<std::string>& parts) {
  if (stages.empty()) return;
  parts.push_back(absl::StrCat(name, " ", absl::StrJoin(stages, " and ", [](std::string* out, const auto& stage) {
                                 out->append(DescribeStage(stage));
                               })));
}

}  // namespace

std::string DescribeConfig(const v1::QLayerConfig& config) {
  std::vector<std::string> parts;
  AppendTensor("weight", config.weight(), parts);
  AppendTensor("input", config.input_tensors(), parts);
  AppendTensor("output", config.output_tensors(), parts);
  AppendTensor("bias", config.bias(), parts);
  return parts.empty() ? "no quantized tensor" : absl::StrJoin(parts, ", ");
}

std::string DescribeRule(const v1::LayerRule& rule) {
  if (rule.kind() == v1::LAYER_RULE_KIND_GLOBAL) return "the global configuration";
  if (rule.kind() == v1::LAYER_RULE_KIND_NOT_QUANTIZABLE) return "no rule";
  return Quoted(rule.pattern());
}

std::string SchemeOfRule(const v1::ConfigSpec& spec, const v1::LayerRule& rule) {
  if (rule.kind() == v1::LAYER_RULE_KIND_GLOBAL) return spec.scheme();
  if (rule.kind() == v1::LAYER_RULE_KIND_OVERRIDE) {
    const auto it = std::find_if(spec.layer_config().begin(), spec.layer_config().end(),
                                 [&rule](const auto& entry) { return entry.pattern() == rule.pattern(); });
    return it == spec.layer_config().end() ? "" : it->scheme();
  }
  if (rule.kind() == v1::LAYER_RULE_KIND_LAYER_TYPE) {
    const auto it = std::find_if(spec.layer_type_config().begin(), spec.layer_type_config().end(),
                                 [&rule](const auto& entry) { return entry.layer_type() == rule.pattern(); });
    return it == spec.layer_type_config().end() ? "" : it->scheme();
  }
  return "";
}

std::string LayerOption(absl::string_view pattern, absl::string_view scheme) {
  return Option("--layer", absl::StrCat(pattern, "=", scheme));
}

std::string ExcludeOptions(const PlanContext& context, const std::vector<std::string>& added,
                           absl::string_view removed) {
  constexpr int kMaxPatterns = 32;
  const auto& current = context.spec.has_exclude_layers() ? context.spec.exclude_layers().patterns()
                                                          : context.llm_template.exclude_layers_name();
  if (current.size() > kMaxPatterns) return "";
  std::vector<std::string> options;
  const auto add = [&options](absl::string_view pattern) { options.push_back(Option("--exclude", pattern)); };
  for (const std::string& pattern : current) {
    if (pattern != removed) add(pattern);
  }
  for (const std::string& pattern : added) {
    if (std::find(current.begin(), current.end(), pattern) == current.end()) add(pattern);
  }
  return options.empty() ? "--exclude-nothing" : absl::StrJoin(options, " ");
}

void AffectedModules::Add(size_t module) {
  ++count_;
  if (first_.size() < FindingList::kMaxModules) first_.push_back(module);
}

void AffectedModules::CopyTo(const ModuleList& modules, v1::Finding& finding) const {
  for (const size_t module : first_) finding.add_modules(std::string(modules.name(module)));
  finding.set_module_count(count_);
}

}  // namespace qconfig
