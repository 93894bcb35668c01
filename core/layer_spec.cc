// SPDX-License-Identifier: Apache-2.0
#include "core/layer_spec.h"

#include <google/protobuf/message.h>
#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/complete_layer.h"
#include "core/error.h"
#include "core/error_list.h"
#include "core/layer_tensors.h"
#include "core/quark_names.h"
#include "core/tensor_rules.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Value;
using Type = SpecClass::Field::Type;

Error Rejected(absl::string_view rule, absl::string_view path) {
  return std::move(Error(v1::ERROR_REASON_INVALID_TENSOR_CONFIG).Field(path).Rule(rule));
}

bool IsInt32(double number) {
  return number >= std::numeric_limits<int>::min() && number <= std::numeric_limits<int>::max() &&
         std::trunc(number) == number;
}

absl::Status CheckType(const SpecClass::Field& field, const Value& value, const std::string& path) {
  const auto rejected = [&](absl::string_view wanted) {
    Error error = Rejected("spec_field_type", path);
    if (value.kind_case() == Value::kNumberValue) error.Value(absl::StrCat(value.number_value()));
    if (value.kind_case() == Value::kStringValue) error.Value(value.string_value());
    return error.ToStatus(wanted);
  };
  if (value.kind_case() == Value::kNullValue) return absl::OkStatus();
  switch (field.type) {
    case Type::kBool:
      return value.kind_case() == Value::kBoolValue ? absl::OkStatus() : rejected("must be true, false or null");
    case Type::kInt:
      return value.kind_case() == Value::kNumberValue && IsInt32(value.number_value())
                 ? absl::OkStatus()
                 : rejected("must be a 32-bit integer or null");
    case Type::kString:
      return value.kind_case() == Value::kStringValue ? absl::OkStatus() : rejected("must be a string or null");
  }
  return absl::OkStatus();
}

// The value as QTensorConfig spells it. An error if the class does not accept the value.
absl::StatusOr<Value> ToTensorValue(const SpecClass::Field& field, Value value, const std::string& path) {
  if (!field.integers.empty()) {
    const bool is_allowed = value.kind_case() == Value::kNumberValue &&
                            std::count(field.integers.begin(), field.integers.end(), value.number_value()) > 0;
    if (is_allowed) return value;
    std::vector<std::string> texts;
    texts.reserve(field.integers.size());
    for (const int integer : field.integers) texts.push_back(absl::StrCat(integer));
    Error error = Rejected("spec_value", path);
    if (value.kind_case() == Value::kNumberValue) error.Value(absl::StrCat(value.number_value()));
    return error.Allowed({texts.begin(), texts.end()}).ToStatus("the spec class does not accept this value");
  }
  if (field.names.empty() || value.kind_case() == Value::kNullValue) return value;
  std::vector<absl::string_view> names;
  for (const auto& [name, quark_name] : field.names) {
    if (name == value.string_value()) {
      value.set_string_value(quark_name);
      return value;
    }
    names.push_back(name);
  }
  if (value.string_value().empty()) {
    value.set_null_value(google::protobuf::NULL_VALUE);
    return value;
  }
  return Rejected("spec_value", path)
      .Value(value.string_value())
      .Allowed(names)
      .Suggest(NameKind::kOther, names)
      .ToStatus("the spec class does not accept this value");
}

// REQUIRES: CheckType() and ToTensorValue() accepted `value`.
void Set(const FieldDescriptor* target, const Value& value, v1::QTensorConfig& tensor) {
  const auto* reflection = tensor.GetReflection();
  if (value.kind_case() == Value::kNullValue) {
    reflection->ClearField(&tensor, target);
    // The only field whose empty value is not None.
    if (target->number() == v1::QTensorConfig::kZeroPointTypeFieldNumber) {
      tensor.set_zero_point_type(v1::ZERO_POINT_TYPE_NONE);
    }
    return;
  }
  switch (target->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->SetBool(&tensor, target, value.bool_value());
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->SetInt32(&tensor, target, static_cast<int>(value.number_value()));
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->SetEnum(&tensor, target, FindByQuarkName(target->enum_type(), value.string_value()));
    default:
      return reflection->SetString(&tensor, target, value.string_value());
  }
}

// One stage, and the paths that its fields come from.
struct Stage {
  v1::QTensorConfig tensor;
  std::string path;                 // of the QTensorConfig, or of the SpecPreset
  const SpecClass* spec = nullptr;  // null: given field by field

  std::string TensorFieldPath(absl::string_view tensor_field) const {
    if (spec == nullptr) return absl::StrCat(path, ".", tensor_field);
    for (const SpecClass::Field& field : spec->fields) {
      if (field.target != nullptr && field.target->name() == tensor_field) {
        return absl::StrCat(path, ".fields.", field.name);
      }
    }
    return absl::StrCat(path, ".spec");
  }
};

absl::Status CheckFieldNames(const SpecClass& spec, const v1::SpecPreset& preset, const std::string& path) {
  std::vector<absl::string_view> known;
  known.reserve(spec.fields.size());
  for (const SpecClass::Field& field : spec.fields) known.push_back(field.name);
  std::set<absl::string_view> unknown;  // sorted, because a map has no fixed order
  for (const auto& [name, value] : preset.fields().fields()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) unknown.insert(name);
  }
  if (unknown.empty()) return absl::OkStatus();
  return Rejected("spec_field_unknown", path)
      .Value(*unknown.begin())
      .Allowed(known)
      .Suggest(NameKind::kOther, known)
      .ToStatus(absl::StrCat(spec.name, " has no such field"));
}

// The stage is incomplete if it adds to `errors`.
Stage ExpandPreset(const Catalog& catalog, const v1::SpecPreset& preset, const std::string& path, ErrorList& errors) {
  const SpecClass* spec = catalog.FindSpecClass(preset.spec());
  if (spec == nullptr) {
    std::vector<absl::string_view> names;
    for (const SpecClass& known : catalog.spec_classes()) names.push_back(known.name);
    errors.Add(Rejected("spec_unknown", absl::StrCat(path, ".spec"))
                   .Value(preset.spec())
                   .Allowed(names)
                   .Suggest(NameKind::kOther, names)
                   .ToStatus(absl::StrCat("unknown spec class for Quark ", catalog.quark_release())));
    return {};
  }
  errors.Add(CheckFieldNames(*spec, preset, absl::StrCat(path, ".fields")));
  Stage stage{spec->tensor, path, spec};
  for (const SpecClass::Field& field : spec->fields) {
    const std::string field_path = absl::StrCat(path, ".fields.", field.name);
    const auto given = preset.fields().fields().find(field.name);
    const bool is_given = given != preset.fields().fields().end();
    if (!is_given && !field.default_value.has_value()) {
      errors.Add(Rejected("spec_field_required", field_path).ToStatus(absl::StrCat("required by ", spec->name)));
      continue;
    }
    const Value& value = is_given ? given->second : *field.default_value;
    const absl::Status type = CheckType(field, value, field_path);
    errors.Add(type);
    if (!type.ok()) continue;
    const absl::StatusOr<Value> translated = ToTensorValue(field, value, field_path);
    errors.Add(translated.status());
    if (translated.ok() && field.target != nullptr) Set(field.target, *translated, stage.tensor);
  }
  return stage;
}

// `Spec` is TensorSpec or StageSpec, whose form is `config` or `preset`. The stage is incomplete if it adds to
// `errors`.
template <typename Spec>
Stage ExpandStage(const Catalog& catalog, const Spec& spec, bool is_activation, const std::string& path,
                  ErrorList& errors) {
  const size_t errors_before = errors.size();
  Stage stage;
  if (spec.has_preset()) {
    stage = ExpandPreset(catalog, spec.preset(), absl::StrCat(path, ".preset"), errors);
  } else if (spec.has_config()) {
    stage = {spec.config(), absl::StrCat(path, ".config"), nullptr};
  } else {
    errors.Add(Rejected("spec_required", path).ToStatus("one of its fields is required"));
  }
  if (errors.size() > errors_before) return stage;
  stage.tensor = CompleteTensor(std::move(stage.tensor));
  CheckTensor(
      catalog, stage.tensor, is_activation, [&stage](absl::string_view field) { return stage.TensorFieldPath(field); },
      errors);
  return stage;
}

std::vector<Stage> ExpandTwoStages(const Catalog& catalog, const v1::TwoStageSpec& spec, bool is_activation,
                                   const std::string& path, ErrorList& errors) {
  std::vector<Stage> stages;
  stages.push_back(ExpandStage(catalog, spec.first_stage(), is_activation, absl::StrCat(path, ".first_stage"), errors));
  stages.push_back(
      ExpandStage(catalog, spec.second_stage(), is_activation, absl::StrCat(path, ".second_stage"), errors));
  return stages;
}

std::vector<Stage> ExpandTensor(const Catalog& catalog, const v1::TensorSpec& spec, bool is_activation,
                                const std::string& path, ErrorList& errors) {
  if (spec.has_progressive()) {
    return ExpandTwoStages(catalog, spec.progressive(), is_activation, absl::StrCat(path, ".progressive"), errors);
  }
  if (spec.has_scale_quant()) {
    auto stages =
        ExpandTwoStages(catalog, spec.scale_quant(), is_activation, absl::StrCat(path, ".scale_quant"), errors);
    stages.back().tensor.set_is_scale_quant(true);
    return stages;
  }
  return {ExpandStage(catalog, spec, is_activation, path, errors)};
}

}  // namespace

absl::StatusOr<v1::QLayerConfig> ExpandLayerSpec(const Catalog& catalog, const v1::LayerSpec& spec,
                                                 const std::string& path) {
  v1::QLayerConfig layer;
  std::vector<Stage> activations;
  ErrorList errors;
  for (const LayerTensor& tensor : kLayerTensors) {
    if (!(spec.*tensor.has_spec)()) continue;
    const size_t errors_before = errors.size();
    for (Stage& stage : ExpandTensor(catalog, (spec.*tensor.spec)(), tensor.is_activation,
                                     absl::StrCat(path, ".", tensor.name), errors)) {
      *(layer.*tensor.mutable_stages)()->Add() = stage.tensor;
      if (tensor.is_activation && errors.size() == errors_before) activations.push_back(std::move(stage));
    }
  }
  // Quark constructs every tensor before it checks them together.
  for (const Stage& stage : activations) {
    errors.Add(
        CheckActivation(stage.tensor, [&stage](absl::string_view field) { return stage.TensorFieldPath(field); }));
  }
  errors.Add(CheckTargetDevice(catalog, spec.target_device(), absl::StrCat(path, ".target_device")));
  if (errors.size() > 0) return errors.ToStatus();
  layer.set_target_device(spec.target_device());
  return layer;
}

}  // namespace qconfig
