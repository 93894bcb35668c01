// SPDX-License-Identifier: Apache-2.0
#include "core/quark_json_reader.h"

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/faults.h"
#include "core/quark_names.h"
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

// The functions below add what is wrong with `json` to `faults`.
void Mismatch(const std::string& path, absl::string_view wanted, Faults& faults) {
  faults.Add(path, absl::StrCat("not ", wanted));
}

void UnknownValue(const std::string& path, const std::string& value, const EnumDescriptor& type, Faults& faults) {
  if (faults.is_full()) return faults.Add(path, "");
  const auto* proto_value = type.FindValueByName(value);  // "DTYPE_INT4" is the name in ProtoJSON
  if (proto_value != nullptr && !QuarkName(*proto_value).empty()) {
    return faults.Add(path, absl::StrCat("\"", value, "\" is the name in ProtoJSON; in Quark's form, write ",
                                         QuarkName(*proto_value)));
  }
  std::vector<absl::string_view> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (!QuarkName(*type.value(i)).empty()) names.push_back(QuarkName(*type.value(i)));
  }
  faults.Add(path, absl::StrCat("\"", Printable(value, kMaxShown), "\" is not a value of ", type.name(),
                                Suggestion(value, names, KindOfEnum(type.name()))));
}

void UnknownField(const std::string& path, const std::string& key, const Descriptor& type, Faults& faults) {
  if (faults.is_full()) return faults.Add(path, "");
  faults.Add(absl::StrCat(path, ".", Printable(key, kMaxShown)),
             absl::StrCat(type.name(), " has no such field", Suggestion(key, FieldNames(type))));
}

void ReadObject(const ordered_json& json, const std::string& path, Message& message, Faults& faults);

// Sets a singular field, or adds to a repeated one.
template <typename Value, typename Set, typename Add>
void Put(const FieldDescriptor* field, Message& message, const Value& value, Set set, Add add) {
  const auto* reflection = message.GetReflection();
  field->is_repeated() ? (reflection->*add)(&message, field, value) : (reflection->*set)(&message, field, value);
}

void ReadInt32(const ordered_json& json, const std::string& path, const FieldDescriptor* field, Message& message,
               Faults& faults) {
  if (!json.is_number_integer()) return Mismatch(path, "an integer", faults);
  const int64_t value = json.get<int64_t>();
  // A large unsigned integer becomes negative in get<int64_t>().
  const bool wrapped = json.is_number_unsigned() && value < 0;
  if (wrapped || value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
    return Mismatch(path, "a 32-bit integer", faults);
  }
  Put(field, message, static_cast<int32_t>(value), &Reflection::SetInt32, &Reflection::AddInt32);
}

void ReadEnum(const ordered_json& json, const std::string& path, const FieldDescriptor* field, Message& message,
              Faults& faults) {
  if (!json.is_string()) return Mismatch(path, "a string", faults);
  const auto* value = FindByQuarkName(field->enum_type(), json.get_ref<const std::string&>());
  if (value == nullptr) return UnknownValue(path, json.get_ref<const std::string&>(), *field->enum_type(), faults);
  Put(field, message, value, &Reflection::SetEnum, &Reflection::AddEnum);
}

void ReadValue(const ordered_json& json, const std::string& path, const FieldDescriptor* field, Message& message,
               Faults& faults) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      if (!json.is_boolean()) return Mismatch(path, "a boolean", faults);
      Put(field, message, json.get<bool>(), &Reflection::SetBool, &Reflection::AddBool);
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      return ReadInt32(json, path, field, message, faults);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      if (!json.is_number()) return Mismatch(path, "a number", faults);
      Put(field, message, json.get<double>(), &Reflection::SetDouble, &Reflection::AddDouble);
      return;
    case FieldDescriptor::CPPTYPE_STRING:
      if (!json.is_string()) return Mismatch(path, "a string", faults);
      Put(field, message, json.get_ref<const std::string&>(), &Reflection::SetString, &Reflection::AddString);
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      return ReadEnum(json, path, field, message, faults);
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      const auto* reflection = message.GetReflection();
      Message* child =
          field->is_repeated() ? reflection->AddMessage(&message, field) : reflection->MutableMessage(&message, field);
      return ReadObject(json, path, *child, faults);
    }
    default:
      return Mismatch(path, "of a type that Quark's JSON has", faults);
  }
}

void ReadItems(const ordered_json& json, const std::string& path, const FieldDescriptor* field, Message& message,
               Faults& faults) {
  if (!json.is_array()) return Mismatch(path, "a list", faults);
  for (size_t i = 0; i < json.size(); ++i) {
    ReadValue(json[i], absl::StrCat(path, "[", i, "]"), field, message, faults);
  }
}

// Quark's `scaling_layers` of rotations, an ordered dictionary from positions to lists.
void ReadRotationScalingLayers(const ordered_json& json, const std::string& path, v1::RotationConfig& config,
                               Faults& faults) {
  if (!json.is_object()) return Mismatch(path, "an object", faults);
  for (const auto& [position, layers] : json.items()) {
    v1::RotationScalingLayersEntry& entry = *config.add_scaling_layers();
    entry.set_position(position);
    ReadItems(layers, absl::StrCat(path, ".", position),
              entry.GetDescriptor()->FindFieldByNumber(entry.kLayersFieldNumber), entry, faults);
  }
}

void ReadField(const ordered_json& json, const std::string& path, const FieldDescriptor* field, Message& message,
               Faults& faults) {
  if (json.is_null()) {
    // The only enum whose zero value is not None.
    if (field->enum_type() == v1::ZeroPointType_descriptor()) {
      message.GetReflection()->SetEnumValue(&message, field, v1::ZERO_POINT_TYPE_NONE);
    }
    return;
  }
  if (!field->is_repeated()) return ReadValue(json, path, field, message, faults);
  if (field->message_type() == v1::RotationScalingLayersEntry::descriptor()) {
    return ReadRotationScalingLayers(json, path, static_cast<v1::RotationConfig&>(message), faults);
  }
  const bool one_stage = field->message_type() == v1::QTensorConfig::descriptor() && json.is_object();
  one_stage ? ReadValue(json, path, field, message, faults) : ReadItems(json, path, field, message, faults);
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

void ReadObject(const ordered_json& json, const std::string& path, Message& message, Faults& faults) {
  const auto* descriptor = message.GetDescriptor();
  if (descriptor == v1::StringList::descriptor() || descriptor == v1::ScalingLayerList::descriptor()) {
    return ReadItems(json, path, descriptor->field(0), message, faults);
  }
  if (!json.is_object()) return Mismatch(path, "an object", faults);
  for (const auto& [key, value] : json.items()) {
    const FieldDescriptor* field = descriptor->FindFieldByName(key);
    if (field != nullptr) {
      ReadField(value, absl::StrCat(path, ".", key), field, message, faults);
    } else if (!IsKeyWithoutField(key, value, message)) {
      UnknownField(path, key, *descriptor, faults);
    }
  }
}

}  // namespace

absl::Status ReadQuarkJson(const ordered_json& json, const std::string& path, Message& message) {
  Faults faults;
  ReadObject(json, path, message, faults);
  return faults.ToStatus();
}

}  // namespace qconfig
