// SPDX-License-Identifier: Apache-2.0
#include "core/quark_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "core/algorithms.h"
#include "core/json_text.h"
#include "core/layer_tensors.h"
#include "core/quark_names.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::RepeatedPtrField;

// Writes Quark's dictionaries; each function writes one value.
class Writer {
 public:
  explicit Writer(const Catalog& catalog) : catalog_(catalog) {}

  void Config(const v1::QConfig& config) {
    json_.Open('{');
    json_.Key("global_quant_config");
    Layer(config.global_quant_config());
    json_.Key("exclude");
    Strings(config.exclude());
    json_.Key("algo_config");
    Algorithms(config.algo_config());
    json_.Key("softmax_quant_spec");
    config.has_softmax_quant_spec() ? Tensor(config.softmax_quant_spec()) : json_.Null();
    json_.Key("quant_method");
    json_.String(config.quant_method());
    json_.Key("layer_type_quant_config");
    json_.Open('{');
    for (const v1::LayerTypeQuantConfigEntry& entry : config.layer_type_quant_config()) {
      json_.Key(entry.layer_type());
      Layer(entry.config());
    }
    json_.Close('}');
    json_.Key("layer_quant_config");
    Patterns(config.layer_quant_config());
    json_.Key("kv_cache_quant_config");
    Patterns(config.kv_cache_quant_config());
    json_.Key("kv_cache_post_rope");
    json_.Bool(config.kv_cache_post_rope());
    json_.Key("quant_mode");
    Enum(config.quant_mode());
    json_.Key("version");
    json_.String(config.version());
    json_.Close('}');
  }

  void Algorithm(const v1::AlgoConfig& config) {
    const Message* fields = AlgorithmFields(config);
    if (fields == nullptr) return json_.Null();
    Fields(*fields, GetJsonName(config.config_case()));
  }

  std::string Take() { return json_.Take(); }

 private:
  template <typename EnumType>
  void Enum(EnumType value) {
    const std::string& name = QuarkName(value);
    name.empty() ? json_.Null() : json_.String(name);
  }

  void Strings(const RepeatedPtrField<std::string>& texts) {
    json_.Open('[');
    for (const std::string& text : texts) json_.String(text);
    json_.Close(']');
  }

  void Layer(const v1::QLayerConfig& layer) {
    json_.Open('{');
    for (const LayerTensor& tensor : kLayerTensors) {
      json_.Key(tensor.name);
      Stages((layer.*tensor.stages)());
    }
    json_.Key("target_device");
    Enum(layer.target_device());
    json_.Close('}');
  }

  void Stages(const RepeatedPtrField<v1::QTensorConfig>& stages) {
    if (stages.empty()) return json_.Null();
    if (stages.size() == 1) return Tensor(stages[0]);
    json_.Open('[');
    for (const v1::QTensorConfig& stage : stages) Tensor(stage);
    json_.Close(']');
  }

  void Tensor(const v1::QTensorConfig& tensor) {
    json_.Open('{');
    json_.Key("dtype");
    Enum(tensor.dtype());
    json_.Key("is_dynamic");
    tensor.has_is_dynamic() ? json_.Bool(tensor.is_dynamic()) : json_.Null();
    json_.Key("qscheme");
    Enum(tensor.qscheme());
    json_.Key("ch_axis");
    tensor.has_ch_axis() ? json_.Int(tensor.ch_axis()) : json_.Null();
    json_.Key("group_size");
    tensor.has_group_size() ? json_.Int(tensor.group_size()) : json_.Null();
    json_.Key("block_size");
    BlockSize(tensor);
    json_.Key("symmetric");
    tensor.has_symmetric() ? json_.Bool(tensor.symmetric()) : json_.Null();
    json_.Key("round_method");
    Enum(tensor.round_method());
    json_.Key("scale_type");
    Enum(tensor.scale_type());
    if (catalog_.traits().tensor_json_has_zero_point_type) {
      json_.Key("zero_point_type");
      Enum(tensor.zero_point_type());
    }
    json_.Key("scale_format");
    tensor.has_scale_format() ? json_.String(tensor.scale_format()) : json_.Null();
    json_.Key("scale_calculation_mode");
    tensor.has_scale_calculation_mode() ? json_.String(tensor.scale_calculation_mode()) : json_.Null();
    json_.Key("mx_element_dtype");
    Enum(tensor.mx_element_dtype());
    json_.Key("observer_cls");
    tensor.observer_cls().empty() ? json_.Null() : json_.String(tensor.observer_cls());
    json_.Key("is_scale_quant");
    json_.Bool(tensor.is_scale_quant());
    json_.Key("enable_buffer_reuse");
    json_.Bool(tensor.enable_buffer_reuse());
    json_.Key("max_input_numel");
    json_.Int(tensor.max_input_numel());
    json_.Close('}');
  }

  void BlockSize(const v1::QTensorConfig& tensor) {
    if (tensor.block_size().empty()) return json_.Null();
    json_.Open('[');
    for (const int size : tensor.block_size()) json_.Int(size);
    json_.Close(']');
  }

  void Patterns(const RepeatedPtrField<v1::LayerQuantConfigEntry>& entries) {
    json_.Open('{');
    for (const v1::LayerQuantConfigEntry& entry : entries) {
      json_.Key(entry.pattern());
      Layer(entry.config());
    }
    json_.Close('}');
  }

  void Algorithms(const RepeatedPtrField<v1::AlgoConfig>& algorithms) {
    if (algorithms.empty()) return json_.Null();
    json_.Open('[');
    for (const v1::AlgoConfig& algorithm : algorithms) Algorithm(algorithm);
    json_.Close(']');
  }

  // Writes a message of algorithm.proto, whose fields have the order of Quark's keys. `name` is empty for messages that
  // are not the configuration of an algorithm.
  void Fields(const Message& message, const AlgorithmJsonName& name = {}) {
    const auto* descriptor = message.GetDescriptor();
    const ConfigClass* config_class = catalog_.FindConfigClass(*descriptor);
    json_.Open('{');
    for (int i = 0; i < descriptor->field_count(); ++i) {
      if (!name.name.empty() && i == name.position) {
        json_.Key("name");
        json_.String(name.name);
      }
      const FieldDescriptor* field = descriptor->field(i);
      if (config_class == nullptr ? IsMissingKey(message, field) : !config_class->Lists(*field)) continue;
      json_.Key(field->name());
      Value(message, field);
    }
    json_.Close('}');
  }

  // Whether a key of one of Quark's free-form dictionaries is missing, which Quark does not write as null.
  static bool IsMissingKey(const Message& message, const FieldDescriptor* field) {
    const auto* type = field->containing_type();
    if (type == v1::RotationScalingLayer::descriptor() && field->is_repeated()) {
      return message.GetReflection()->FieldSize(message, field) == 0;
    }
    const bool may_be_missing =
        type == v1::ScalingLayer::descriptor() || type == v1::RotationScalingLayer::descriptor();
    return may_be_missing && field->has_presence() && !message.GetReflection()->HasField(message, field);
  }

  void Value(const Message& message, const FieldDescriptor* field) {
    const auto* reflection = message.GetReflection();
    if (field->message_type() == v1::RotationScalingLayersEntry::descriptor()) {
      return RotationScalingLayers(static_cast<const v1::RotationConfig&>(message));
    }
    if (field->is_repeated()) return List(message, field);
    if (field->has_presence() && !reflection->HasField(message, field)) return json_.Null();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        return json_.Bool(reflection->GetBool(message, field));
      case FieldDescriptor::CPPTYPE_INT32:
        return json_.Int(reflection->GetInt32(message, field));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return json_.Float(reflection->GetDouble(message, field));
      case FieldDescriptor::CPPTYPE_STRING:
        return json_.String(reflection->GetString(message, field));
      default:
        return Child(reflection->GetMessage(message, field));
    }
  }

  // A list that may be None is a message here, and a list in Quark.
  void Child(const Message& message) {
    const auto* descriptor = message.GetDescriptor();
    const bool is_list = descriptor == v1::StringList::descriptor() || descriptor == v1::ScalingLayerList::descriptor();
    is_list ? List(message, descriptor->field(0)) : Fields(message);
  }

  // Writes a repeated field of strings or of messages.
  void List(const Message& message, const FieldDescriptor* field) {
    const auto* reflection = message.GetReflection();
    json_.Open('[');
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      field->cpp_type() == FieldDescriptor::CPPTYPE_STRING
          ? json_.String(reflection->GetRepeatedString(message, field, i))
          : Fields(reflection->GetRepeatedMessage(message, field, i));
    }
    json_.Close(']');
  }

  void RotationScalingLayers(const v1::RotationConfig& config) {
    json_.Open('{');
    for (const v1::RotationScalingLayersEntry& entry : config.scaling_layers()) {
      json_.Key(entry.position());
      List(entry, entry.GetDescriptor()->FindFieldByNumber(entry.kLayersFieldNumber));
    }
    json_.Close('}');
  }

  const Catalog& catalog_;
  JsonText json_;
};

}  // namespace

std::string QuarkJson(const v1::AlgoConfig& config, const Catalog& catalog) {
  Writer writer(catalog);
  writer.Algorithm(config);
  return writer.Take();
}

std::string QuarkJson(const v1::QConfig& config, const Catalog& catalog) {
  Writer writer(catalog);
  writer.Config(config);
  return writer.Take();
}

}  // namespace qconfig
