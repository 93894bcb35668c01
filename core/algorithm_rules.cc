// SPDX-License-Identifier: Apache-2.0
#include "core/algorithm_rules.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "core/algorithms.h"
#include "core/catalog_json.h"
#include "core/embedded_files.h"
#include "core/quark_names.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

absl::Status ReadTensorCondition(const ordered_json& json, const std::string& tensor, const std::string& path,
                                 TensorCondition& condition) {
  const ordered_json& stages = Member(json, (tensor + "_stages").c_str());
  if (stages.is_number_integer()) condition.stages = stages.get<int>();
  std::string unknown;
  QCONFIG_RETURN_IF_ERROR(ReadStrings(Member(json, (tensor + "_dtypes").c_str()), path, [&](const std::string& name) {
    const auto* value = FindByQuarkName(v1::Dtype_descriptor(), name);
    if (value == nullptr) unknown = name;
    if (value != nullptr) condition.dtypes.push_back(static_cast<v1::Dtype>(value->number()));
  }));
  return unknown.empty() ? absl::OkStatus() : Malformed(path, absl::StrCat("unknown data type ", unknown));
}

absl::Status ReadConditions(const ordered_json& json, const std::string& path, AlgorithmRule& rule) {
  rule.negated = json.contains("unless");
  if (rule.negated == json.contains("when")) return Malformed(path, "needs either `when` or `unless`");
  const ordered_json& conditions = json[rule.negated ? "unless" : "when"];
  if (!conditions.is_object() || conditions.empty()) return Malformed(path, "the condition is not an object or empty");
  for (const auto& [key, unused] : conditions.items()) {
    if (key != "weight_stages" && key != "weight_dtypes" && key != "input_stages" && key != "input_dtypes") {
      return Malformed(path, absl::StrCat("unknown condition ", key));
    }
  }
  QCONFIG_RETURN_IF_ERROR(ReadTensorCondition(conditions, "weight", path, rule.weight));
  return ReadTensorCondition(conditions, "input", path, rule.input);
}

absl::StatusOr<AlgorithmRule> ReadRule(const ordered_json& json, const std::string& path) {
  if (!json.is_object()) return Malformed(path, "not an object");
  AlgorithmRule rule;
  QCONFIG_RETURN_IF_ERROR(ReadStrings(Member(json, "algorithms"), path, [&rule](std::string algorithm) {
    rule.algorithms.push_back(std::move(algorithm));
  }));
  if (rule.algorithms.empty()) return Malformed(path, "no algorithms");
  for (const std::string& algorithm : rule.algorithms) {
    if (!absl::c_linear_search(AlgorithmNames(), algorithm)) {
      return Malformed(path, absl::StrCat("unknown algorithm ", algorithm));
    }
  }
  QCONFIG_RETURN_IF_ERROR(ReadConditions(json, path, rule));
  const ordered_json& effect = Member(json, "effect");
  if (effect != "fails" && effect != "unusual") return Malformed(path, "the effect is neither fails nor unusual");
  rule.effect = effect == "fails" ? AlgorithmRule::Effect::kFails : AlgorithmRule::Effect::kUnusual;
  if (!Member(json, "text").is_string()) return Malformed(path, "no text");
  rule.text = json["text"].get<std::string>();
  return rule;
}

}  // namespace

bool TensorCondition::Accepts(const google::protobuf::RepeatedPtrField<v1::QTensorConfig>& tensor) const {
  if (stages.has_value() && tensor.size() != *stages) return false;
  return dtypes.empty() || (!tensor.empty() && absl::c_linear_search(dtypes, tensor[0].dtype()));
}

bool AlgorithmRule::AppliesTo(const v1::QLayerConfig& layer) const {
  if (layer.weight().empty()) return false;
  return (weight.Accepts(layer.weight()) && input.Accepts(layer.input_tensors())) != negated;
}

absl::StatusOr<std::vector<AlgorithmRule>> ReadAlgorithmRules(absl::string_view text) {
  const ordered_json json = ordered_json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !Member(json, "rules").is_array()) return Malformed("rules", "not a list");
  std::vector<AlgorithmRule> rules;
  for (const ordered_json& item : json["rules"]) {
    QCONFIG_ASSIGN_OR_RETURN(AlgorithmRule rule, ReadRule(item, absl::StrCat("rules[", rules.size(), "]")));
    rules.push_back(std::move(rule));
  }
  return rules;
}

const AlgorithmRule* FindAlgorithmRule(absl::string_view algorithm, const v1::QLayerConfig& layer) {
  static const auto* const kRules =
      new std::vector<AlgorithmRule>(ReadAlgorithmRules(FindEmbeddedFile("algorithm_rules.json")).value());
  const auto rule = absl::c_find_if(*kRules, [&](const AlgorithmRule& candidate) {
    return absl::c_linear_search(candidate.algorithms, algorithm) && candidate.AppliesTo(layer);
  });
  return rule == kRules->end() ? nullptr : &*rule;
}

}  // namespace qconfig
