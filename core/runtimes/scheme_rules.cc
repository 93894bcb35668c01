// SPDX-License-Identifier: Apache-2.0
#include "core/runtimes/scheme_rules.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/catalog_json.h"
#include "core/quark_names.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using nlohmann::ordered_json;

// The value of a field as FieldRule::values has it. nullopt: unset, which is Quark's `None`.
std::optional<std::string> FieldText(const v1::QTensorConfig& stage, const FieldDescriptor* field) {
  const google::protobuf::Reflection& reflection = *stage.GetReflection();
  if (field->is_repeated()) {  // block_size
    if (stage.block_size().empty()) return std::nullopt;
    return absl::StrJoin(stage.block_size(), ",");
  }
  if (field->has_presence() && !reflection.HasField(stage, field)) return std::nullopt;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_ENUM: {
      const std::string& name = QuarkName(*reflection.GetEnum(stage, field));
      return name.empty() ? std::nullopt : std::make_optional(name);
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(stage, field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(stage, field));
    default:
      return reflection.GetString(stage, field);
  }
}

bool Matches(const FieldRule& rule, const v1::QTensorConfig& stage) {
  const std::optional<std::string> text = FieldText(stage, rule.field);
  if (!text.has_value()) return rule.accepts_unset;
  if (std::find(rule.values.begin(), rule.values.end(), *text) != rule.values.end()) return true;
  int number = 0;
  if (rule.min.has_value()) return absl::SimpleAtoi(*text, &number) && number >= *rule.min;
  return rule.length.has_value() && stage.block_size_size() == *rule.length;
}

bool Matches(const StageRule& rule, const v1::QTensorConfig& stage) {
  return std::all_of(rule.begin(), rule.end(), [&stage](const FieldRule& field) { return Matches(field, stage); });
}

using Stages = google::protobuf::RepeatedPtrField<v1::QTensorConfig>;

bool Matches(const TensorRule& rule, const Stages& stages) {
  return std::equal(
      rule.begin(), rule.end(), stages.begin(), stages.end(),
      [](const StageRule& stage_rule, const v1::QTensorConfig& stage) { return Matches(stage_rule, stage); });
}

bool Matches(const std::vector<TensorRule>& alternatives, const Stages& stages) {
  return alternatives.empty() || std::any_of(alternatives.begin(), alternatives.end(),
                                             [&stages](const TensorRule& rule) { return Matches(rule, stages); });
}

bool Matches(const SchemeRule& rule, const v1::QLayerConfig& config) {
  return Matches(rule.weight, config.weight()) && Matches(rule.input, config.input_tensors());
}

absl::Status ReadFieldValue(const ordered_json& value, const std::string& path, FieldRule& rule) {
  if (value.is_null()) {
    rule.accepts_unset = true;
  } else if (value.is_boolean()) {
    rule.values.emplace_back(value.get<bool>() ? "true" : "false");
  } else if (value.is_number_integer()) {
    rule.values.push_back(absl::StrCat(value.get<int>()));
  } else if (value.is_array()) {
    rule.values.push_back(absl::StrJoin(value, ",", [](std::string* out, const ordered_json& number) {
      absl::StrAppend(out, number.is_number_integer() ? number.get<int>() : -1);
    }));
  } else if (value.is_string()) {
    const std::string text = value.get<std::string>();
    const bool is_enum = rule.field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
    if (is_enum && FindByQuarkName(rule.field->enum_type(), text) == nullptr) {
      return Malformed(path, absl::StrCat("unknown value ", text));
    }
    rule.values.push_back(text);
  } else {
    return Malformed(path, "not a value");
  }
  return absl::OkStatus();
}

absl::StatusOr<FieldRule> ReadField(const std::string& name, const ordered_json& json, const std::string& path) {
  FieldRule rule;
  rule.field = v1::QTensorConfig::descriptor()->FindFieldByName(name);
  if (rule.field == nullptr) return Malformed(path, "QTensorConfig has no such field");
  if (json.is_object()) {
    const bool has_min = Member(json, "min").is_number_integer();
    if (!has_min && !Member(json, "length").is_number_integer()) return Malformed(path, "neither min nor length");
    (has_min ? rule.min : rule.length) = Member(json, has_min ? "min" : "length").get<int>();
    return rule;
  }
  if (!json.is_array()) return Malformed(path, "not a list of values");
  for (const ordered_json& value : json) QCONFIG_RETURN_IF_ERROR(ReadFieldValue(value, path, rule));
  return rule;
}

// `json`: null or a list of stages.
absl::StatusOr<TensorRule> ReadTensor(const ordered_json& json, const std::string& path) {
  TensorRule tensor;
  if (json.is_null()) return tensor;
  if (!json.is_array()) return Malformed(path, "not a list of stages");
  for (const ordered_json& item : json) {
    if (!item.is_object()) return Malformed(path, "a stage is not an object");
    StageRule stage;
    for (const auto& [name, values] : item.items()) {
      QCONFIG_ASSIGN_OR_RETURN(FieldRule field, ReadField(name, values, absl::StrCat(path, ".", name)));
      stage.push_back(std::move(field));
    }
    tensor.push_back(std::move(stage));
  }
  return tensor;
}

// `key` has one tensor, or "<key>_any_of" has a list of them.
absl::StatusOr<std::vector<TensorRule>> ReadAlternatives(const ordered_json& json, const std::string& key,
                                                         const std::string& path) {
  std::vector<TensorRule> alternatives;
  if (json.contains(key)) {
    QCONFIG_ASSIGN_OR_RETURN(TensorRule tensor, ReadTensor(json[key], absl::StrCat(path, ".", key)));
    alternatives.push_back(std::move(tensor));
  }
  for (const ordered_json& item : Member(json, (key + "_any_of").c_str())) {
    QCONFIG_ASSIGN_OR_RETURN(TensorRule tensor, ReadTensor(item, absl::StrCat(path, ".", key, "_any_of")));
    alternatives.push_back(std::move(tensor));
  }
  return alternatives;
}

absl::StatusOr<SchemeRule> ReadRule(const ordered_json& json, const std::string& path, bool is_rejection) {
  if (!json.is_object()) return Malformed(path, "not an object");
  SchemeRule rule;
  rule.id = TextOrEmpty(json, "id");
  if (!Member(json, "source").is_string()) return Malformed(absl::StrCat(path, ".", rule.id), "has no source");
  if (is_rejection && !Member(json, "cause").is_string()) {
    return Malformed(absl::StrCat(path, ".", rule.id), "has no cause");
  }
  rule.cause = TextOrEmpty(json, "cause");
  rule.is_certain = TextOrEmpty(json, "certainty") != "inferred";
  const std::string rule_path = absl::StrCat(path, ".", rule.id);
  QCONFIG_ASSIGN_OR_RETURN(rule.weight, ReadAlternatives(json, "weight", rule_path));
  QCONFIG_ASSIGN_OR_RETURN(rule.input, ReadAlternatives(json, "input", rule_path));
  QCONFIG_RETURN_IF_ERROR(ReadStrings(Member(json, "needs"), rule_path,
                                      [&rule](std::string key) { rule.needs.push_back(std::move(key)); }));
  return rule;
}

absl::StatusOr<std::vector<SchemeRule>> ReadRules(const ordered_json& json, const char* key, const std::string& path,
                                                  bool is_rejection) {
  std::vector<SchemeRule> rules;
  for (const ordered_json& item : Member(json, key)) {
    QCONFIG_ASSIGN_OR_RETURN(SchemeRule rule, ReadRule(item, absl::StrCat(path, ".", key), is_rejection));
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace

absl::StatusOr<SchemeRules> SchemeRules::Read(absl::string_view text, const std::string& path) {
  const ordered_json json = ordered_json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Malformed(path, "not an object");
  SchemeRules rules;
  QCONFIG_ASSIGN_OR_RETURN(rules.rejected_, ReadRules(json, "rejects", path, /*is_rejection=*/true));
  QCONFIG_ASSIGN_OR_RETURN(rules.accepted_, ReadRules(json, "accepts", path, /*is_rejection=*/false));
  QCONFIG_ASSIGN_OR_RETURN(rules.otherwise_,
                           ReadRule(Member(json, "otherwise"), absl::StrCat(path, ".otherwise"), true));
  if (json.contains("bias_or_output")) {
    QCONFIG_ASSIGN_OR_RETURN(rules.rejects_extras_,
                             ReadRule(json["bias_or_output"], absl::StrCat(path, ".bias_or_output"), true));
  }
  return rules;
}

SchemeRules::Verdict SchemeRules::Judge(const v1::QLayerConfig& config) const {
  if (rejects_extras_.has_value() && config.bias_size() + config.output_tensors_size() > 0) {
    return {false, &*rejects_extras_};
  }
  for (const SchemeRule& rule : rejected_) {
    if (Matches(rule, config)) return {false, &rule};
  }
  for (const SchemeRule& rule : accepted_) {
    if (Matches(rule, config)) return {true, &rule};
  }
  return {false, &otherwise_};
}

}  // namespace qconfig
