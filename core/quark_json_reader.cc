// SPDX-License-Identifier: Apache-2.0
#include "core/quark_json_reader.h"

#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/quark_names.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::ordered_json;

absl::Status Mismatch(const std::string& path, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": not ", wanted));
}

// Sets a singular field, or adds to a repeated one.
template <typename Value, typename Set, typename Add>
void Put(const FieldDescriptor* field, Message& message, const Value& value, Set set, Add add) {
  const auto* reflection = message.GetReflection();
  field->is_repeated() ? (reflection->*add)(&message, field, value) : (reflection->*set)(&message, field, value);
}

absl::Status ReadValue(const ordered_json& json, const std::string& path, const FieldDescriptor* field,
                       Message& message) {
  using google::protobuf::Reflection;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      if (!json.is_boolean()) return Mismatch(path, "a boolean");
      Put(field, message, json.get<bool>(), &Reflection::SetBool, &Reflection::AddBool);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT32: {
      if (!json.is_number_integer()) return Mismatch(path, "an integer");
      const int64_t value = json.get<int64_t>();
      if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
        return Mismatch(path, "a 32-bit integer");
      }
      Put(field, message, static_cast<int32_t>(value), &Reflection::SetInt32, &Reflection::AddInt32);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_DOUBLE:
      if (!json.is_number()) return Mismatch(path, "a number");
      Put(field, message, json.get<double>(), &Reflection::SetDouble, &Reflection::AddDouble);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_STRING:
      if (!json.is_string()) return Mismatch(path, "a string");
      Put(field, message, json.get_ref<const std::string&>(), &Reflection::SetString, &Reflection::AddString);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_ENUM: {
      if (!json.is_string()) return Mismatch(path, "a string");
      const auto* value = FindByQuarkName(field->enum_type(), json.get_ref<const std::string&>());
      if (value == nullptr) return Mismatch(path, absl::StrCat("a value of ", field->enum_type()->name()));
      Put(field, message, value, &Reflection::SetEnum, &Reflection::AddEnum);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const auto* reflection = message.GetReflection();
      Message* child =
          field->is_repeated() ? reflection->AddMessage(&message, field) : reflection->MutableMessage(&message, field);
      return ReadQuarkJson(json, path, *child);
    }
    default:
      return Mismatch(path, "of a type that Quark uses");
  }
}

absl::Status ReadItems(const ordered_json& json, const std::string& path, const FieldDescriptor* field,
                       Message& message) {
  if (!json.is_array()) return Mismatch(path, "a list");
  for (size_t i = 0; i < json.size(); ++i) {
    const absl::Status status = ReadValue(json[i], absl::StrCat(path, "[", i, "]"), field, message);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Quark's `scaling_layers` of rotations, an ordered dictionary from positions to lists.
absl::Status ReadRotationScalingLayers(const ordered_json& json, const std::string& path, v1::RotationConfig& config) {
  if (!json.is_object()) return Mismatch(path, "an object");
  for (const auto& [position, layers] : json.items()) {
    v1::RotationScalingLayersEntry& entry = *config.add_scaling_layers();
    entry.set_position(position);
    const absl::Status status = ReadItems(layers, absl::StrCat(path, ".", position),
                                          entry.GetDescriptor()->FindFieldByNumber(entry.kLayersFieldNumber), entry);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadField(const ordered_json& json, const std::string& path, const FieldDescriptor* field,
                       Message& message) {
  if (json.is_null()) {
    // The one enum whose zero value is not None.
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

// Whether Quark writes `key` although the message has no such field: the algorithm's name follows from the message, and
// quantization-aware training is nothing that qconfig knows.
bool IsKeyWithoutField(const std::string& key, const ordered_json& value, const Message& message) {
  if (key == "qat_spec") return value.is_null() && message.GetDescriptor() == v1::QTensorConfig::descriptor();
  return key == "name";
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
      return absl::InvalidArgumentError(absl::StrCat(field_path, ": ", descriptor->name(), " has no such field"));
    }
    const absl::Status status = ReadField(value, field_path, field, message);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace qconfig
