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
#include "core/quark_names.h"
#include "core/tensor_rules.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Value;
using Type = SpecClass::Field::Type;

Error Refused(absl::string_view rule, absl::string_view path) {
  return std::move(Error(v1::ERROR_REASON_INVALID_TENSOR_CONFIG).Field(path).Rule(rule));
}

bool IsInt32(double number) {
  return number >= std::numeric_limits<int>::min() && number <= std::numeric_limits<int>::max() &&
         std::trunc(number) == number;
}

absl::Status CheckType(const SpecClass::Field& field, const Value& value, const std::string& path) {
  const auto refused = [&](absl::string_view wanted) {
    Error error = Refused("spec_field_type", path);
    if (value.kind_case() == Value::kNumberValue) error.Value(absl::StrCat(value.number_value()));
    if (value.kind_case() == Value::kStringValue) error.Value(value.string_value());
    return error.ToStatus(wanted);
  };
  if (value.kind_case() == Value::kNullValue) return absl::OkStatus();
  switch (field.type) {
    case Type::kBool:
      return value.kind_case() == Value::kBoolValue ? absl::OkStatus() : refused("must be true, false or null");
    case Type::kInt:
      return value.kind_case() == Value::kNumberValue && IsInt32(value.number_value())
                 ? absl::OkStatus()
                 : refused("must be an integer of 32 bits, or null");
    case Type::kString:
      return value.kind_case() == Value::kStringValue ? absl::OkStatus() : refused("must be a string or null");
  }
  return absl::OkStatus();
}

// The value as QTensorConfig spells it. Errors: the value is none of those that the class takes.
absl::StatusOr<Value> Translated(const SpecClass::Field& field, Value value, const std::string& path) {
  if (!field.integers.empty()) {
    const bool is_allowed = value.kind_case() == Value::kNumberValue &&
                            std::count(field.integers.begin(), field.integers.end(), value.number_value()) > 0;
    if (is_allowed) return value;
    std::vector<std::string> texts;
    for (const int integer : field.integers) texts.push_back(absl::StrCat(integer));
    Error error = Refused("spec_value", path);
    if (value.kind_case() == Value::kNumberValue) error.Value(absl::StrCat(value.number_value()));
    return error.Allowed({texts.begin(), texts.end()}).ToStatus("not a value that this spec takes");
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
  return Refused("spec_value", path)
      .Value(value.string_value())
      .Allowed(names)
      .NearestOf(names)
      .ToStatus("not a value that this spec takes");
}

// REQUIRES: CheckType() and Translated() accepted `value`, and the loader accepted the class.
void Set(const FieldDescriptor* target, const Value& value, v1::QTensorConfig& tensor) {
  const auto* reflection = tensor.GetReflection();
  if (value.kind_case() == Value::kNullValue) {
    reflection->ClearField(&tensor, target);
    // The one field whose being empty is not None.
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

// One stage, and where its fields come from.
struct Stage {
  v1::QTensorConfig tensor;
  std::string path;                 // of the QTensorConfig, or of the SpecPreset
  const SpecClass* spec = nullptr;  // null: given field by field

  std::string PathOf(absl::string_view tensor_field) const {
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
  for (const SpecClass::Field& field : spec.fields) known.push_back(field.name);
  std::set<absl::string_view> unknown;  // sorted, because the order of a map's entries is by chance
  for (const auto& [name, value] : preset.fields().fields()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) unknown.insert(name);
  }
  if (unknown.empty()) return absl::OkStatus();
  return Refused("spec_field_unknown", path)
      .Value(*unknown.begin())
      .Allowed(known)
      .NearestOf(known)
      .ToStatus(absl::StrCat(spec.name, " has no such field"));
}

absl::StatusOr<Stage> ExpandPreset(const Catalog& catalog, const v1::SpecPreset& preset, const std::string& path) {
  const SpecClass* spec = catalog.FindSpecClass(preset.spec());
  if (spec == nullptr) {
    std::vector<absl::string_view> names;
    for (const SpecClass& known : catalog.spec_classes()) names.push_back(known.name);
    return Refused("spec_unknown", absl::StrCat(path, ".spec"))
        .Value(preset.spec())
        .Allowed(names)
        .NearestOf(names)
        .ToStatus("no spec that this release of Quark knows");
  }
  absl::Status status = CheckFieldNames(*spec, preset, absl::StrCat(path, ".fields"));
  if (!status.ok()) return status;
  Stage stage{spec->tensor, path, spec};
  for (const SpecClass::Field& field : spec->fields) {
    const std::string field_path = absl::StrCat(path, ".fields.", field.name);
    const auto given = preset.fields().fields().find(field.name);
    const bool is_given = given != preset.fields().fields().end();
    if (!is_given && !field.default_value.has_value()) {
      return Refused("spec_field_required", field_path).ToStatus(absl::StrCat(spec->name, " needs it"));
    }
    const Value& value = is_given ? given->second : *field.default_value;
    status = CheckType(field, value, field_path);
    if (!status.ok()) return status;
    const auto translated = Translated(field, value, field_path);
    if (!translated.ok()) return translated.status();
    if (field.target != nullptr) Set(field.target, *translated, stage.tensor);
  }
  return stage;
}

// `Spec` is TensorSpec or StageSpec, whose form is `config` or `preset`.
template <typename Spec>
absl::StatusOr<Stage> ExpandStage(const Catalog& catalog, const Spec& spec, const std::string& path) {
  Stage stage;
  if (spec.has_preset()) {
    auto expanded = ExpandPreset(catalog, spec.preset(), absl::StrCat(path, ".preset"));
    if (!expanded.ok()) return expanded.status();
    stage = *std::move(expanded);
  } else if (spec.has_config()) {
    stage = {spec.config(), absl::StrCat(path, ".config"), nullptr};
  } else {
    return Refused("spec_required", path).ToStatus("one of its forms must be given");
  }
  stage.tensor = CompleteTensor(std::move(stage.tensor));
  const absl::Status status =
      CheckTensor(catalog, stage.tensor, [&stage](absl::string_view field) { return stage.PathOf(field); });
  if (!status.ok()) return status;
  return stage;
}

absl::StatusOr<std::vector<Stage>> ExpandTwoStages(const Catalog& catalog, const v1::TwoStageSpec& spec,
                                                   const std::string& path) {
  auto first = ExpandStage(catalog, spec.first_stage(), absl::StrCat(path, ".first_stage"));
  if (!first.ok()) return first.status();
  auto second = ExpandStage(catalog, spec.second_stage(), absl::StrCat(path, ".second_stage"));
  if (!second.ok()) return second.status();
  return std::vector<Stage>{*std::move(first), *std::move(second)};
}

absl::StatusOr<std::vector<Stage>> ExpandTensor(const Catalog& catalog, const v1::TensorSpec& spec,
                                                const std::string& path) {
  if (spec.has_progressive()) return ExpandTwoStages(catalog, spec.progressive(), absl::StrCat(path, ".progressive"));
  if (spec.has_scale_quant()) {
    auto stages = ExpandTwoStages(catalog, spec.scale_quant(), absl::StrCat(path, ".scale_quant"));
    if (stages.ok()) stages->back().tensor.set_is_scale_quant(true);
    return stages;
  }
  auto stage = ExpandStage(catalog, spec, path);
  if (!stage.ok()) return stage.status();
  return std::vector<Stage>{*std::move(stage)};
}

struct LayerTensor {
  absl::string_view name;
  bool (v1::LayerSpec::*is_given)() const;
  const v1::TensorSpec& (v1::LayerSpec::*spec)() const;
  google::protobuf::RepeatedPtrField<v1::QTensorConfig>* (v1::QLayerConfig::*stages)();
  bool is_activation;
};
constexpr LayerTensor kLayerTensors[] = {
    {"input_tensors", &v1::LayerSpec::has_input_tensors, &v1::LayerSpec::input_tensors,
     &v1::QLayerConfig::mutable_input_tensors, true},
    {"output_tensors", &v1::LayerSpec::has_output_tensors, &v1::LayerSpec::output_tensors,
     &v1::QLayerConfig::mutable_output_tensors, true},
    {"weight", &v1::LayerSpec::has_weight, &v1::LayerSpec::weight, &v1::QLayerConfig::mutable_weight, false},
    {"bias", &v1::LayerSpec::has_bias, &v1::LayerSpec::bias, &v1::QLayerConfig::mutable_bias, false},
};

}  // namespace

absl::StatusOr<v1::QLayerConfig> ExpandLayerSpec(const Catalog& catalog, const v1::LayerSpec& spec,
                                                 const std::string& path) {
  v1::QLayerConfig layer;
  std::vector<Stage> activations;
  for (const LayerTensor& tensor : kLayerTensors) {
    if (!(spec.*tensor.is_given)()) continue;
    auto stages = ExpandTensor(catalog, (spec.*tensor.spec)(), absl::StrCat(path, ".", tensor.name));
    if (!stages.ok()) return stages.status();
    for (Stage& stage : *stages) {
      *(layer.*tensor.stages)()->Add() = stage.tensor;
      if (tensor.is_activation) activations.push_back(std::move(stage));
    }
  }
  // Quark constructs all tensors before it looks at them together.
  for (const Stage& stage : activations) {
    const absl::Status status =
        CheckActivation(stage.tensor, [&stage](absl::string_view field) { return stage.PathOf(field); });
    if (!status.ok()) return status;
  }
  const absl::Status status = CheckTargetDevice(catalog, spec.target_device(), absl::StrCat(path, ".target_device"));
  if (!status.ok()) return status;
  layer.set_target_device(spec.target_device());
  return layer;
}

}  // namespace qconfig
