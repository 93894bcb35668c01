// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/algorithms.h"
#include "core/faults.h"
#include "core/quark_json_reader.h"
#include "core/suggestion.h"
#include "qconfigctl/quark_format.h"
#include "qconfigctl/quark_nulls.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;

void ReadPatterns(const ordered_json& json, v1::LlmTemplate& entry, Faults& faults) {
  const ordered_json& q_layer = Member(json, "q_layer_name");
  const auto add_q_layer = [&](const std::string& pattern) { entry.add_q_layer_name(pattern); };
  if (q_layer.is_string()) {
    add_q_layer(q_layer.get_ref<const std::string&>());
  } else {
    ReadStrings(q_layer, "q_layer_name", add_q_layer, faults, "not a list of strings or a string");
  }
  constexpr std::pair<const char*, void (v1::LlmTemplate::*)(const std::string&)> kLists[] = {
      {"kv_layers_name", &v1::LlmTemplate::add_kv_layers_name},
      {"gate_up_layers_name", &v1::LlmTemplate::add_gate_up_layers_name},
      {"exclude_layers_name", &v1::LlmTemplate::add_exclude_layers_name}};
  for (const auto& list : kLists) {
    const auto add = list.second;
    ReadStrings(
        Member(json, list.first), list.first, [&](const std::string& pattern) { (entry.*add)(pattern); }, faults);
  }
}

// Returns `json` without its "name", which must match the algorithm if it is set.
ordered_json WithoutName(const ordered_json& json, const std::string& path, const v1::AlgoConfig& config,
                         Faults& faults) {
  ordered_json fields = json;
  const auto name = fields.find("name");
  if (name == fields.end()) return fields;
  const absl::string_view wanted = GetJsonName(config.config_case()).name;
  if (!name->is_string() || (*name != std::string(wanted) && *name != std::string(AlgorithmName(config)))) {
    faults.Add(Join(path, "name"), absl::StrCat("must be ", Quoted(wanted)));
  }
  fields.erase(name);
  return fields;
}

void ReadAlgorithm(const std::string& key, const ordered_json& json, v1::LlmTemplate& entry, Faults& faults) {
  const std::string name = absl::AsciiStrToLower(key);
  const std::string path = Join("algorithm_configs", key);
  v1::AlgoConfigEntry algorithm;
  google::protobuf::Message* message = MutableAlgorithmFields(name, *algorithm.mutable_config());
  if (message == nullptr) {
    if (faults.is_full()) return faults.Add(path, "");
    return faults.Add(path,
                      absl::StrCat("unknown algorithm", Suggestion(name, AlgorithmNames(), NameKind::kAlgorithm)));
  }
  for (const v1::AlgoConfigEntry& before : entry.algorithm_configs()) {
    if (before.algorithm() == name) return faults.Add(path, "duplicate algorithm; names are not case-sensitive");
  }
  if (json.is_null()) return;
  if (!json.is_object()) return faults.Add(path, "not an object");
  const ordered_json fields = WithoutName(json, path, algorithm.config(), faults);
  const absl::Status status = ReadQuarkJson(fields, path, *message);
  faults.Add(status);
  if (status.ok()) RejectLostNulls(fields, path, *message->GetDescriptor(), faults);
  // An unset field takes Quark's default. This is the only field that can be None without None being its default.
  const auto loss = fields.find("compute_scale_loss");
  if (loss != fields.end() && loss->is_null()) {
    algorithm.mutable_config()->mutable_autosmoothquant()->set_compute_scale_loss_none(true);
  }
  algorithm.set_algorithm(name);
  *entry.add_algorithm_configs() = std::move(algorithm);
}

void ReadAlgorithms(const ordered_json& json, v1::LlmTemplate& entry, Faults& faults) {
  if (json.is_null()) return;
  if (!json.is_object()) return faults.Add("algorithm_configs", "not an object");
  for (const auto& [name, config] : json.items()) ReadAlgorithm(name, config, entry, faults);
}

void ReadOperation(const ordered_json& json, const std::string& path, v1::WeightConverter& converter, Faults& faults) {
  if (!CheckKeys(json, path, {"class", "split_axis"}, faults)) return;
  if (Member(json, "class") != "SplitFusedExperts") {
    faults.Add(Join(path, "class"), "must be \"SplitFusedExperts\"");
  }
  if (Member(json, "split_axis").is_null()) return faults.Add(Join(path, "split_axis"), "required");
  const ordered_json fields = {{"split_axis", json["split_axis"]}};
  faults.Add(ReadQuarkJson(fields, path, *converter.add_operations()->mutable_split_fused_experts()));
}

void ReadConverter(const ordered_json& json, const std::string& path, v1::WeightConverter& converter, Faults& faults) {
  if (!CheckKeys(json, path, {"source_patterns", "target_patterns", "operations"}, faults)) return;
  ReadStrings(
      Member(json, "source_patterns"), Join(path, "source_patterns"),
      [&](const std::string& text) { converter.add_source_patterns(text); }, faults);
  ReadStrings(
      Member(json, "target_patterns"), Join(path, "target_patterns"),
      [&](const std::string& text) { converter.add_target_patterns(text); }, faults);
  const ordered_json& operations = Member(json, "operations");
  if (operations.is_null()) return;
  if (!operations.is_array()) return faults.Add(Join(path, "operations"), "not a list");
  for (size_t i = 0; i < operations.size(); ++i) {
    ReadOperation(operations[i], absl::StrCat(Join(path, "operations"), "[", i, "]"), converter, faults);
  }
}

void ReadConverters(const ordered_json& json, v1::LlmTemplate& entry, Faults& faults) {
  if (json.is_null()) return;
  if (!json.is_array()) return faults.Add("f2f_weight_converters", "not a list");
  for (size_t i = 0; i < json.size(); ++i) {
    ReadConverter(json[i], absl::StrCat("f2f_weight_converters[", i, "]"), *entry.add_f2f_weight_converters(), faults);
  }
}

// The algorithm that a keyword of LLMTemplate's constructor, such as "awq_config", configures; empty for other keys. A
// file must use algorithm_configs instead.
std::string AlgorithmOfKeyword(absl::string_view key) {
  if (!absl::ConsumeSuffix(&key, "_config")) return "";
  const std::string algorithm = absl::AsciiStrToLower(absl::StrReplaceAll(key, {{"_", ""}}));
  const auto& known = AlgorithmNames();
  return std::find(known.begin(), known.end(), algorithm) == known.end() ? "" : algorithm;
}

}  // namespace

bool IsQuarkTemplate(const ordered_json& json) {
  if (!json.is_object()) return false;
  // All other keys exist in ProtoJSON too.
  if (Member(json, "algorithm_configs").is_object() || Member(json, "q_layer_name").is_string()) return true;
  for (const auto& [key, value] : json.items()) {
    if (!AlgorithmOfKeyword(key).empty()) return true;
  }
  return false;
}

absl::StatusOr<v1::LlmTemplate> TemplateFromQuark(const ordered_json& json) {
  Faults faults;
  std::vector<absl::string_view> keys = {"model_type",
                                         "kv_layers_name",
                                         "q_layer_name",
                                         "gate_up_layers_name",
                                         "exclude_layers_name",
                                         "algorithm_configs",
                                         "f2f_weight_converters",
                                         "description",
                                         "labels"};
  std::vector<std::string> keywords;
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      const std::string algorithm = AlgorithmOfKeyword(key);
      if (algorithm.empty()) continue;
      faults.Add(Join("", key), absl::StrCat("unknown key; use algorithm_configs: {", algorithm, ": ...}"));
      keywords.push_back(key);
    }
  }
  keys.insert(keys.end(), keywords.begin(), keywords.end());
  if (!CheckKeys(json, "", keys, faults)) return faults.ToStatus();
  if (Member(json, "model_type").is_null()) faults.Add("model_type", "required");
  v1::LlmTemplate entry;
  ReadString(Member(json, "model_type"), "model_type", *entry.mutable_model_type(), faults);
  ReadString(Member(json, "description"), "description", *entry.mutable_description(), faults);
  ReadPatterns(json, entry, faults);
  ReadAlgorithms(Member(json, "algorithm_configs"), entry, faults);
  ReadConverters(Member(json, "f2f_weight_converters"), entry, faults);
  ReadLabels(Member(json, "labels"), *entry.mutable_labels(), faults);
  if (faults.count() > 0) return faults.ToStatus();
  return entry;
}

}  // namespace qconfig::client
