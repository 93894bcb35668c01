// SPDX-License-Identifier: Apache-2.0
#include "core/quark_json_reader.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/quark_names.h"
#include "core/status_macros.h"
#include "core/suggestion.h"
#include "core/utf8.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::ordered_json;

constexpr size_t kMaxShown = 128;  // characters of a bad value

absl::Status Mismatch(const std::string& path, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": not ", wanted));
}

absl::Status UnknownValue(const std::string& path, const std::string& value, const EnumDescriptor& type) {
  std::vector<absl::string_view> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (!QuarkName(*type.value(i)).empty()) names.push_back(QuarkName(*type.value(i)));
  }
  return absl::InvalidArgumentError(absl::StrCat(path, ": \"", Printable(value, kMaxShown), "\" is not a value of ",
                                                 type.name(), Suggestion(value, names, KindOfEnum(type.name()))));
}

absl::Status UnknownField(const std::string& path, const std::string& key, const Descriptor& type) {
  return absl::InvalidArgumentError(absl::StrCat(path, ".", Printable(key, kMaxShown), ": ", type.name(),
                                                 " has no such field", Suggestion(key, FieldNames(type))));
}

// Sets a singular field, or adds to a repeated one.
template <typename Value, typename Set, typename Add>
void Put(const FieldDescriptor* field, Message& message, const Value& value, Set set, Add add) {
  const auto* reflection = message.GetReflection();
  field->is_repeated() ? (reflection->*add)(&message, field, value) : (reflection->*set)(&message, field, value);
}

absl::Status ReadInt32(const ordered_json& json, const std::string& path, const FieldDescriptor* field,
                       Message& message) {
  if (!json.is_number_integer()) return Mismatch(path, "an integer");
  const int64_t value = json.get<int64_t>();
  // A large unsigned integer becomes negative in get<int64_t>().
  const bool wrapped = json.is_number_unsigned() && value < 0;
  if (wrapped || value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
    return Mismatch(path, "a 32-bit integer");
  }
  Put(field, message, static_cast<int32_t>(value), &Reflection::SetInt32, &Reflection::AddInt32);
  return absl::OkStatus();
}

absl::Status ReadEnum(const ordered_json& json, const std::string& path, const FieldDescriptor* field,
                      Message& message) {
  if (!json.is_string()) return Mismatch(path, "a string");
  const auto* value = FindByQuarkName(field->enum_type(), json.get_ref<const std::string&>());
  if (value == nullptr) return UnknownValue(path, json.get_ref<const std::string&>(), *field->enum_type());
  Put(field, message, value, &Reflection::SetEnum, &Reflection::AddEnum);
  return absl::OkStatus();
}

absl::Status ReadValue(const ordered_json& json, const std::string& path, const FieldDescriptor* field,
                       Message& message) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      if (!json.is_boolean()) return Mismatch(path, "a boolean");
      Put(field, message, json.get<bool>(), &Reflection::SetBool, &Reflection::AddBool);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT32:
      return ReadInt32(json, path, field, message);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      if (!json.is_number()) return Mismatch(path, "a number");
      Put(field, message, json.get<double>(), &Reflection::SetDouble, &Reflection::AddDouble);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_STRING:
      if (!json.is_string()) return Mismatch(path, "a string");
      Put(field, message, json.get_ref<const std::string&>(), &Reflection::SetString, &Reflection::AddString);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_ENUM:
      return ReadEnum(json, path, field, message);
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const auto* reflection = message.GetReflection();
      Message* child =
          field->is_repeated() ? reflection->AddMessage(&message, field) : reflection->MutableMessage(&message, field);
      return ReadQuarkJson(json, path, *child);
    }
    default:
      return Mismatch(path, "of a type that Quark's JSON has");
  }
}

absl::Status ReadItems(const ordered_json& json, const std::string& path, const FieldDescriptor* field,
                       Message& message) {
  if (!json.is_array()) return Mismatch(path, "a list");
  for (size_t i = 0; i < json.size(); ++i) {
    QCONFIG_RETURN_IF_ERROR(ReadValue(json[i], absl::StrCat(path, "[", i, "]"), field, message));
  }
  return absl::OkStatus();
}

// Quark's `scaling_layers` of rotations, an ordered dictionary from positions to lists.
absl::Status ReadRotationScalingLayers(const ordered_json& json, const std::string& path, v1::RotationConfig& config) {
  if (!json.is_object()) return Mismatch(path, "an object");
  for (const auto& [position, layers] : json.items()) {
    v1::RotationScalingLayersEntry& entry = *config.add_scaling_layers();
    entry.set_position(position);
    QCONFIG_RETURN_IF_ERROR(ReadItems(layers, absl::StrCat(path, ".", position),
                                      entry.GetDescriptor()->FindFieldByNumber(entry.kLayersFieldNumber), entry));
  }
  return absl::OkStatus();
}

absl::Status ReadField(const ordered_json& json, const std::string& path, const FieldDescriptor* field,
                       Message& message) {
  if (json.is_null()) {
    // The only enum whose zero value is not None.
    if (field->enum_type() == v1::ZeroPointType_descriptor()) {
      message.GetReflection()->SetEnumValue(&message, field, v1::ZERO_POINT_TYPE_NONE);
    }
    return absl::OkStatus();
  }
  if (!field->is_repeated()) return ReadValue(json, path, field, message);
  if (field->message_type() == v1::RotationScalingLayersEntry::descriptor()) {
    return ReadRotationScalingLayers(json, path, static_cast<v1::RotationConfig&>(message));
  }
  const bool one_stage = field->message_type() == v1::QTensorConfig::descriptor() && json.is_object();
  return one_stage ? ReadValue(json, path, field, message) : ReadItems(json, path, field, message);
}

bool IsAlgorithm(const Descriptor& type) {
  const auto* algorithms = v1::AlgoConfig::descriptor();
  for (int i = 0; i < algorithms->field_count(); ++i) {
    if (algorithms->field(i)->message_type() == &type) return true;
  }
  return false;
}

// Whether Quark writes `key` although the message does not have the field: the type of the message implies the name of
// the algorithm, and qconfig does not support quantization-aware training.
bool IsKeyWithoutField(const std::string& key, const ordered_json& value, const Message& message) {
  if (key == "qat_spec") return value.is_null() && message.GetDescriptor() == v1::QTensorConfig::descriptor();
  return key == "name" && IsAlgorithm(*message.GetDescriptor());
}

}  // namespace

absl::Status ReadQuarkJson(const ordered_json& json, const std::string& path, Message& message) {
  const auto* descriptor = message.GetDescriptor();
  if (descriptor == v1::StringList::descriptor() || descriptor == v1::ScalingLayerList::descriptor()) {
    return ReadItems(json, path, descriptor->field(0), message);
  }
  if (!json.is_object()) return Mismatch(path, "an object");
  for (const auto& [key, value] : json.items()) {
    const FieldDescriptor* field = descriptor->FindFieldByName(key);
    const std::string field_path = absl::StrCat(path, ".", key);
    if (field == nullptr) {
      if (IsKeyWithoutField(key, value, message)) continue;
      return UnknownField(path, key, *descriptor);
    }
    QCONFIG_RETURN_IF_ERROR(ReadField(value, field_path, field, message));
  }
  return absl::OkStatus();
}

}  // namespace qconfig
