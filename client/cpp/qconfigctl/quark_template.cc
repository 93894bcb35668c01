// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/algorithms.h"
#include "core/quark_json_reader.h"
#include "core/suggestion.h"
#include "qconfigctl/quark_format.h"
#include "qconfigctl/quark_nulls.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;

absl::Status ReadPatterns(const ordered_json& json, v1::LlmTemplate& entry) {
  const ordered_json& q_layer = Member(json, "q_layer_name");
  if (q_layer.is_string()) {
    entry.add_q_layer_name(q_layer.get<std::string>());
  } else {
    const absl::Status status =
        ReadStrings(q_layer, "q_layer_name", [&](const std::string& pattern) { entry.add_q_layer_name(pattern); });
    if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat(status.message(), " or a string"));
  }
  constexpr std::pair<const char*, void (v1::LlmTemplate::*)(const std::string&)> kLists[] = {
      {"kv_layers_name", &v1::LlmTemplate::add_kv_layers_name},
      {"gate_up_layers_name", &v1::LlmTemplate::add_gate_up_layers_name},
      {"exclude_layers_name", &v1::LlmTemplate::add_exclude_layers_name}};
  for (const auto& list : kLists) {
    const auto add = list.second;
    const absl::Status status =
        ReadStrings(Member(json, list.first), list.first, [&](const std::string& pattern) { (entry.*add)(pattern); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Returns `json` without its "name", which must match the algorithm if it is set.
absl::StatusOr<ordered_json> WithoutName(const ordered_json& json, const std::string& path, v1::AlgoConfig& config) {
  if (!json.is_object()) return Invalid(path, "not an object");
  ordered_json fields = json;
  const auto name = fields.find("name");
  if (name == fields.end()) return fields;
  const absl::string_view wanted = GetJsonName(config.config_case()).name;
  if (!name->is_string() || (*name != std::string(wanted) && *name != std::string(AlgorithmName(config)))) {
    return Invalid(Join(path, "name"), absl::StrCat("must be ", Quoted(wanted)));
  }
  fields.erase(name);
  return fields;
}

absl::Status ReadAlgorithm(const std::string& key, const ordered_json& json, v1::LlmTemplate& entry) {
  const std::string name = absl::AsciiStrToLower(key);
  const std::string path = Join("algorithm_configs", key);
  v1::AlgoConfigEntry algorithm;
  google::protobuf::Message* message = MutableAlgorithmFields(name, *algorithm.mutable_config());
  if (message == nullptr)
    return Invalid(path, absl::StrCat("unknown algorithm", Suggestion(name, AlgorithmNames(), NameKind::kAlgorithm)));
  for (const v1::AlgoConfigEntry& before : entry.algorithm_configs()) {
    if (before.algorithm() == name) return Invalid(path, "duplicate algorithm; names are not case-sensitive");
  }
  if (json.is_null()) return absl::OkStatus();
  const auto fields = WithoutName(json, path, *algorithm.mutable_config());
  if (!fields.ok()) return fields.status();
  absl::Status status = ReadQuarkJson(*fields, path, *message);
  if (status.ok()) status = RejectLostNulls(*fields, path, *message->GetDescriptor());
  if (!status.ok()) return status;
  // An unset field takes Quark's default. This is the only field that can be None without None being its default.
  const auto loss = fields->find("compute_scale_loss");
  if (loss != fields->end() && loss->is_null()) {
    algorithm.mutable_config()->mutable_autosmoothquant()->set_compute_scale_loss_none(true);
  }
  algorithm.set_algorithm(name);
  *entry.add_algorithm_configs() = std::move(algorithm);
  return absl::OkStatus();
}

absl::Status ReadAlgorithms(const ordered_json& json, v1::LlmTemplate& entry) {
  if (json.is_null()) return absl::OkStatus();
  if (!json.is_object()) return Invalid("algorithm_configs", "not an object");
  for (const auto& [name, config] : json.items()) {
    const absl::Status status = ReadAlgorithm(name, config, entry);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadOperation(const ordered_json& json, const std::string& path, v1::WeightConverter& converter) {
  absl::Status status = CheckKeys(json, path, {"class", "split_axis"});
  if (!status.ok()) return status;
  if (Member(json, "class") != "SplitFusedExperts")
    return Invalid(Join(path, "class"), "must be \"SplitFusedExperts\"");
  if (Member(json, "split_axis").is_null()) return Invalid(Join(path, "split_axis"), "required");
  ordered_json fields = json;
  fields.erase("class");
  return ReadQuarkJson(fields, path, *converter.add_operations()->mutable_split_fused_experts());
}

absl::Status ReadConverter(const ordered_json& json, const std::string& path, v1::WeightConverter& converter) {
  absl::Status status = CheckKeys(json, path, {"source_patterns", "target_patterns", "operations"});
  if (status.ok()) {
    status = ReadStrings(Member(json, "source_patterns"), Join(path, "source_patterns"),
                         [&](const std::string& text) { converter.add_source_patterns(text); });
  }
  if (status.ok()) {
    status = ReadStrings(Member(json, "target_patterns"), Join(path, "target_patterns"),
                         [&](const std::string& text) { converter.add_target_patterns(text); });
  }
  if (!status.ok()) return status;
  const ordered_json& operations = Member(json, "operations");
  if (operations.is_null()) return absl::OkStatus();
  if (!operations.is_array()) return Invalid(Join(path, "operations"), "not a list");
  for (size_t i = 0; i < operations.size(); ++i) {
    status = ReadOperation(operations[i], absl::StrCat(Join(path, "operations"), "[", i, "]"), converter);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadConverters(const ordered_json& json, v1::LlmTemplate& entry) {
  if (json.is_null()) return absl::OkStatus();
  if (!json.is_array()) return Invalid("f2f_weight_converters", "not a list");
  for (size_t i = 0; i < json.size(); ++i) {
    const absl::Status status =
        ReadConverter(json[i], absl::StrCat("f2f_weight_converters[", i, "]"), *entry.add_f2f_weight_converters());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// LLMTemplate's constructor also takes keywords such as "awq_config". A file must use algorithm_configs instead.
absl::Status RejectAlgorithmKeywords(const ordered_json& json) {
  if (!json.is_object()) return absl::OkStatus();
  for (const auto& [key, value] : json.items()) {
    absl::string_view name = key;
    if (!absl::ConsumeSuffix(&name, "_config")) continue;
    const std::string algorithm = absl::AsciiStrToLower(absl::StrReplaceAll(name, {{"_", ""}}));
    const auto& known = AlgorithmNames();
    if (std::find(known.begin(), known.end(), algorithm) == known.end()) continue;
    return Invalid(Join("", key), absl::StrCat("unknown key; use algorithm_configs: {", algorithm, ": ...}"));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsQuarkTemplate(const ordered_json& json) {
  if (!json.is_object()) return false;
  // All other keys exist in ProtoJSON too.
  return Member(json, "algorithm_configs").is_object() || Member(json, "q_layer_name").is_string() ||
         !RejectAlgorithmKeywords(json).ok();
}

absl::StatusOr<v1::LlmTemplate> TemplateFromQuark(const ordered_json& json) {
  absl::Status status = RejectAlgorithmKeywords(json);
  if (!status.ok()) return status;
  status = CheckKeys(json, "",
                     {"model_type", "kv_layers_name", "q_layer_name", "gate_up_layers_name", "exclude_layers_name",
                      "algorithm_configs", "f2f_weight_converters", "description", "labels"});
  if (!status.ok()) return status;
  if (Member(json, "model_type").is_null()) return Invalid("model_type", "required");
  v1::LlmTemplate entry;
  status = ReadString(json["model_type"], "model_type", *entry.mutable_model_type());
  if (status.ok()) status = ReadString(Member(json, "description"), "description", *entry.mutable_description());
  if (status.ok()) status = ReadPatterns(json, entry);
  if (status.ok()) status = ReadAlgorithms(Member(json, "algorithm_configs"), entry);
  if (status.ok()) status = ReadConverters(Member(json, "f2f_weight_converters"), entry);
  if (status.ok()) status = ReadLabels(Member(json, "labels"), *entry.mutable_labels());
  if (!status.ok()) return status;
  return entry;
}

}  // namespace qconfig::client
