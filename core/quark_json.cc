// SPDX-License-Identifier: Apache-2.0
#include "core/quark_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "core/algorithms.h"
#include "core/quark_names.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::ordered_json;

constexpr int kDefaultMaxInputNumel = 4194304;

// Appends without the search for an equal key that ordered_json's own insertion makes, which would take quadratic time
// for a dictionary of many layers. REQUIRES: `object` has no such key.
void Append(ordered_json& object, std::string key, ordered_json value) {
  using Items = std::vector<ordered_json::object_t::value_type>;
  static_cast<Items&>(object.get_ref<ordered_json::object_t&>()).emplace_back(std::move(key), std::move(value));
}

template <typename Enum>
ordered_json EnumJson(Enum value) {
  const std::string& name = QuarkName(value);
  return name.empty() ? ordered_json() : ordered_json(name);
}

template <typename T>
ordered_json OptionalJson(bool present, const T& value) {
  return present ? ordered_json(value) : ordered_json();
}

ordered_json TensorJson(const v1::QTensorConfig& t) {
  return {{"dtype", EnumJson(t.dtype())},
          {"is_dynamic", OptionalJson(t.has_is_dynamic(), t.is_dynamic())},
          {"qscheme", EnumJson(t.qscheme())},
          {"ch_axis", OptionalJson(t.has_ch_axis(), t.ch_axis())},
          {"group_size", OptionalJson(t.has_group_size(), t.group_size())},
          {"block_size", OptionalJson(t.block_size_size() > 0, t.block_size())},
          {"symmetric", OptionalJson(t.has_symmetric(), t.symmetric())},
          {"round_method", EnumJson(t.round_method())},
          {"scale_type", EnumJson(t.scale_type())},
          {"scale_format", OptionalJson(t.has_scale_format(), t.scale_format())},
          {"scale_calculation_mode", OptionalJson(t.has_scale_calculation_mode(), t.scale_calculation_mode())},
          {"mx_element_dtype", EnumJson(t.mx_element_dtype())},
          {"observer_cls", OptionalJson(!t.observer_cls().empty(), t.observer_cls())},
          {"is_scale_quant", t.is_scale_quant()},
          {"enable_buffer_reuse", t.enable_buffer_reuse()},
          {"max_input_numel", t.has_max_input_numel() ? t.max_input_numel() : kDefaultMaxInputNumel}};
}

ordered_json StagesJson(const google::protobuf::RepeatedPtrField<v1::QTensorConfig>& stages) {
  if (stages.empty()) return nullptr;
  if (stages.size() == 1) return TensorJson(stages[0]);
  ordered_json list = ordered_json::array();
  for (const v1::QTensorConfig& stage : stages) list.push_back(TensorJson(stage));
  return list;
}

ordered_json LayerJson(const v1::QLayerConfig& layer) {
  return {{"input_tensors", StagesJson(layer.input_tensors())},
          {"output_tensors", StagesJson(layer.output_tensors())},
          {"weight", StagesJson(layer.weight())},
          {"bias", StagesJson(layer.bias())},
          {"target_device", EnumJson(layer.target_device())}};
}

ordered_json PatternsJson(const google::protobuf::RepeatedPtrField<v1::LayerQuantConfigEntry>& entries) {
  ordered_json object = ordered_json::object();
  for (const v1::LayerQuantConfigEntry& entry : entries) Append(object, entry.pattern(), LayerJson(entry.config()));
  return object;
}

ordered_json FieldsJson(const Message& message);

ordered_json ScalarJson(const Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, field);
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->GetInt32(message, field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection->GetDouble(message, field);
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->GetString(message, field);
    default:
      return FieldsJson(reflection->GetMessage(message, field));
  }
}

ordered_json ListJson(const Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  ordered_json list = ordered_json::array();
  for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      list.push_back(reflection->GetRepeatedString(message, field, i));
    } else {
      list.push_back(FieldsJson(reflection->GetRepeatedMessage(message, field, i)));
    }
  }
  return list;
}

ordered_json RotationScalingLayersJson(const v1::RotationConfig& config) {
  ordered_json object = ordered_json::object();
  for (const v1::RotationScalingLayersEntry& entry : config.scaling_layers()) {
    Append(object, entry.position(),
           ListJson(entry, entry.GetDescriptor()->FindFieldByNumber(entry.kLayersFieldNumber)));
  }
  return object;
}

// Whether Quark leaves the key out, rather than writing null, when the field is absent.
bool IsLeftOutWhenAbsent(const FieldDescriptor* field) {
  return field->containing_type() == v1::ScalingLayer::descriptor() ||
         (field->containing_type() == v1::OnlineRotationConfig::descriptor() &&
          field->number() == v1::OnlineRotationConfig::kUseInputPrescaleFieldNumber);
}

bool IsForRequestsOnly(const FieldDescriptor* field) {
  return field->containing_type() == v1::AutoSmoothQuantConfig::descriptor() &&
         field->number() == v1::AutoSmoothQuantConfig::kComputeScaleLossNoneFieldNumber;
}

// A message of algorithm.proto, whose fields stand in the order of Quark's keys.
ordered_json FieldsJson(const Message& message) {
  const auto* descriptor = message.GetDescriptor();
  if (descriptor == v1::StringList::descriptor() || descriptor == v1::ScalingLayerList::descriptor()) {
    return ListJson(message, descriptor->field(0));
  }
  ordered_json object = ordered_json::object();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (IsForRequestsOnly(field)) continue;
    if (field->message_type() == v1::RotationScalingLayersEntry::descriptor()) {
      Append(object, field->name(), RotationScalingLayersJson(static_cast<const v1::RotationConfig&>(message)));
    } else if (field->is_repeated()) {
      Append(object, field->name(), ListJson(message, field));
    } else if (!field->has_presence() || message.GetReflection()->HasField(message, field)) {
      Append(object, field->name(), ScalarJson(message, field));
    } else if (!IsLeftOutWhenAbsent(field)) {
      Append(object, field->name(), nullptr);
    }
  }
  return object;
}

ordered_json AlgorithmJson(const v1::AlgoConfig& config) {
  const Message* fields = AlgorithmFields(config);
  if (fields == nullptr) return nullptr;
  const ordered_json without_name = FieldsJson(*fields);
  const AlgorithmJsonName name = JsonNameOf(config.config_case());
  ordered_json object = ordered_json::object();
  int position = 0;
  for (const auto& [key, value] : without_name.items()) {
    if (position++ == name.position) Append(object, "name", name.name);
    Append(object, key, value);
  }
  return object;
}

}  // namespace

std::string QuarkJson(const v1::AlgoConfig& config) { return AlgorithmJson(config).dump(); }

std::string QuarkJson(const v1::QConfig& config) {
  ordered_json algorithms = nullptr;
  for (const v1::AlgoConfig& algorithm : config.algo_config()) algorithms.push_back(AlgorithmJson(algorithm));
  ordered_json layer_types = ordered_json::object();
  for (const v1::LayerTypeQuantConfigEntry& entry : config.layer_type_quant_config()) {
    Append(layer_types, entry.layer_type(), LayerJson(entry.config()));
  }
  const ordered_json json = {
      {"global_quant_config", LayerJson(config.global_quant_config())},
      {"exclude", config.exclude()},
      {"algo_config", std::move(algorithms)},
      {"softmax_quant_spec",
       config.has_softmax_quant_spec() ? TensorJson(config.softmax_quant_spec()) : ordered_json()},
      {"quant_method", config.quant_method()},
      {"layer_type_quant_config", std::move(layer_types)},
      {"layer_quant_config", PatternsJson(config.layer_quant_config())},
      {"kv_cache_quant_config", PatternsJson(config.kv_cache_quant_config())},
      {"kv_cache_post_rope", config.kv_cache_post_rope()},
      {"quant_mode", EnumJson(config.quant_mode())},
      {"version", config.version()}};
  return json.dump();
}

}  // namespace qconfig
