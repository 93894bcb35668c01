// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/proto_formats.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>

#include <cmath>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/suggestion.h"
#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"
#include "qconfigctl/file_tree.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::ordered_json;

// The values to suggest: all but UNSPECIFIED.
std::vector<absl::string_view> ValueNames(const EnumDescriptor& type) {
  std::vector<absl::string_view> names;
  for (int i = 0; i < type.value_count(); ++i) {
    const absl::string_view name = type.value(i)->name();
    if (!absl::EndsWith(name, "_UNSPECIFIED")) names.push_back(name);
  }
  return names;
}

// --- Checks of ProtoJSON, before protobuf parses it

absl::Status CheckMembers(const ordered_json& json, const std::string& path, const Descriptor& type);

absl::Status CheckValue(const ordered_json& json, const std::string& path, const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (field.message_type() == google::protobuf::Timestamp::descriptor()) {
        return json.is_string() ? absl::OkStatus() : Invalid(path, "not a time such as \"2026-01-31T12:00:00Z\"");
      }
      return CheckMembers(json, path, *field.message_type());
    case FieldDescriptor::CPPTYPE_ENUM: {
      if (json.is_number_integer()) return absl::OkStatus();
      if (!json.is_string()) return Invalid(path, "not a string");
      const auto& name = json.get_ref<const std::string&>();
      if (field.enum_type()->FindValueByName(name) != nullptr) return absl::OkStatus();
      return Invalid(path, absl::StrCat(Quoted(name), " is not a value of ", field.enum_type()->name(),
                                        Suggestion(name, ValueNames(*field.enum_type()))));
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return json.is_boolean() ? absl::OkStatus() : Invalid(path, "not a boolean");
    case FieldDescriptor::CPPTYPE_STRING:
      return json.is_string() ? absl::OkStatus() : Invalid(path, "not a string");
    default:
      return json.is_number() || json.is_string() ? absl::OkStatus() : Invalid(path, "not a number");
  }
}

absl::Status CheckMap(const ordered_json& json, const std::string& path, const FieldDescriptor& field) {
  if (!json.is_object()) return Invalid(path, "not an object");
  for (const auto& [key, value] : json.items()) {
    const absl::Status status = CheckValue(value, Join(path, key), *field.message_type()->map_value());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckField(const ordered_json& json, const std::string& path, const FieldDescriptor& field) {
  if (field.is_map()) return CheckMap(json, path, field);
  if (!field.is_repeated()) return CheckValue(json, path, field);
  if (!json.is_array()) return Invalid(path, "not a list");
  for (size_t i = 0; i < json.size(); ++i) {
    const absl::Status status = CheckValue(json[i], absl::StrCat(path, "[", i, "]"), field);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckMembers(const ordered_json& json, const std::string& path, const Descriptor& type) {
  if (!json.is_object()) return Invalid(path, "not an object");
  if (type.full_name() == "google.protobuf.Struct") return absl::OkStatus();  // any JSON
  std::set<const void*> given;
  for (const auto& [key, value] : json.items()) {
    const std::string field_path = Join(path, key);
    const FieldDescriptor* field = type.FindFieldByName(key);
    for (int i = 0; field == nullptr && i < type.field_count(); ++i) {
      if (type.field(i)->json_name() == key) field = type.field(i);
    }
    if (field == nullptr) {
      return Invalid(field_path, absl::StrCat(type.name(), " has no such field", Suggestion(key, FieldNames(type))));
    }
    if (!given.insert(field).second) return Invalid(field_path, "duplicate field, in both spellings");
    if (value.is_null()) continue;
    const auto* oneof = field->real_containing_oneof();
    if (oneof != nullptr && !given.insert(oneof).second) {
      return Invalid(field_path, absl::StrCat("only one field of ", oneof->name(), " can be set"));
    }
    const absl::Status status = CheckField(value, field_path, *field);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// --- Checks of messages, after protobuf has parsed them

absl::Status CheckMessage(const Message& message, const std::string& path);

// Checks item `index` of a repeated field, or the value of a singular field if `index` is negative.
absl::Status CheckFieldValue(const Message& message, const FieldDescriptor* field, int index, const std::string& path) {
  const auto* reflection = message.GetReflection();
  const bool one = index < 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double value =
          one ? reflection->GetDouble(message, field) : reflection->GetRepeatedDouble(message, field, index);
      return std::isfinite(value) ? absl::OkStatus() : Invalid(path, "the number is not finite");
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int value =
          one ? reflection->GetEnumValue(message, field) : reflection->GetRepeatedEnumValue(message, field, index);
      if (field->enum_type()->FindValueByNumber(value) != nullptr) return absl::OkStatus();
      return Invalid(path, absl::StrCat(field->enum_type()->name(), " has no value ", value));
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value =
          one ? reflection->GetString(message, field) : reflection->GetRepeatedString(message, field, index);
      return IsUtf8(value) ? absl::OkStatus() : Invalid(path, "the string is not valid UTF-8");
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return CheckMessage(
          one ? reflection->GetMessage(message, field) : reflection->GetRepeatedMessage(message, field, index), path);
    default:
      return absl::OkStatus();
  }
}

// After parsing textproto, the map is still a list of entries, which can contain duplicates.
absl::Status CheckMapKeys(const Message& message, const FieldDescriptor* field, const std::string& path) {
  std::set<std::string> keys;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, field, i);
    const std::string key = entry.GetReflection()->GetString(entry, field->message_type()->map_key());
    if (!keys.insert(key).second) return Invalid(path, absl::StrCat("duplicate key ", Quoted(key)));
  }
  return absl::OkStatus();
}

absl::Status CheckMessage(const Message& message, const std::string& path) {
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string field_path = Join(path, field->name());
    if (field->is_map()) {
      const absl::Status status = CheckMapKeys(message, field, field_path);
      if (!status.ok()) return status;
    }
    const int size = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) {
      const absl::Status status = field->is_repeated()
                                      ? CheckFieldValue(message, field, i, absl::StrCat(field_path, "[", i, "]"))
                                      : CheckFieldValue(message, field, -1, field_path);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

// A file that sets no field would be valid in every format.
absl::Status CheckRead(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  return fields.empty() ? Invalid("", "no field is set") : CheckMessage(message, "");
}

// Suggestions for the name in protobuf's error about an unknown field or enum value.
std::string SuggestionFor(const std::string& complaint) {
  const std::vector<std::string> parts = absl::StrSplit(complaint, '"');
  if (parts.size() >= 4 && absl::StrContains(parts[2], "has no field named")) {
    const auto* type = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(parts[1]);
    if (type == v1::Scheme::descriptor() && parts[3] == "global_quant_config") {
      return "; a scheme describes one layer: register the value of global_quant_config";
    }
    return type == nullptr ? "" : Suggestion(parts[3], FieldNames(*type));
  }
  if (parts.size() >= 2 && absl::StartsWith(parts[0], "Unknown enumeration value")) {
    std::vector<absl::string_view> names;
    const auto* file = v1::QTensorConfig::descriptor()->file();
    for (int i = 0; i < file->enum_type_count(); ++i) {
      const auto values = ValueNames(*file->enum_type(i));
      names.insert(names.end(), values.begin(), values.end());
    }
    return Suggestion(parts[1], names);
  }
  return "";
}

class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override {
    if (!text_.empty()) return;
    text_ = absl::StrCat("line ", line + 1, ", column ", column + 1, ": ", absl::StripSuffix(message, "."),
                         SuggestionFor(message));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

absl::Status ReadProtoJson(const ordered_json& json, Message& message) {
  const absl::Status shape = CheckMembers(json, "", *message.GetDescriptor());
  if (!shape.ok()) return shape;
  const auto status = google::protobuf::util::JsonStringToMessage(json.dump(), &message);
  if (!status.ok()) return absl::InvalidArgumentError(std::string(status.message()));
  return CheckRead(message);
}

absl::Status ReadTextproto(const std::string& text, Message& message) {
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.SetRecursionLimit(static_cast<int>(kMaxFileDepth));
  if (!parser.ParseFromString(text, &message)) return absl::InvalidArgumentError(error.text());
  return CheckRead(message);
}

}  // namespace qconfig::client
