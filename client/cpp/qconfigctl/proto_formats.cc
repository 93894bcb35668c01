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
#include "core/faults.h"
#include "core/suggestion.h"
#include "core/utf8.h"
#include "qconfig/v1/quantization.pb.h"
#include "qconfig/v1/registry.pb.h"
#include "qconfigctl/tree_checks.h"
#include "server/base/files/file_tree.h"

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

void CheckMembers(const ordered_json& json, const std::string& path, const Descriptor& type, Faults& faults);

void CheckEnumName(const ordered_json& json, const std::string& path, const EnumDescriptor& type, Faults& faults) {
  if (json.is_number_integer()) return;
  if (!json.is_string()) return faults.Add(path, "not a string");
  const auto& name = json.get_ref<const std::string&>();
  if (type.FindValueByName(name) != nullptr) return;
  if (faults.is_full()) return faults.Add(path, "");
  faults.Add(path, absl::StrCat(Quoted(name), " is not a value of ", type.name(), Suggestion(name, ValueNames(type))));
}

void CheckValue(const ordered_json& json, const std::string& path, const FieldDescriptor& field, Faults& faults) {
  const auto require = [&](bool condition, absl::string_view problem) {
    if (!condition) faults.Add(path, problem);
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (field.message_type() == google::protobuf::Timestamp::descriptor()) {
        return require(json.is_string(), "not a time such as \"2026-01-31T12:00:00Z\"");
      }
      return CheckMembers(json, path, *field.message_type(), faults);
    case FieldDescriptor::CPPTYPE_ENUM:
      return CheckEnumName(json, path, *field.enum_type(), faults);
    case FieldDescriptor::CPPTYPE_BOOL:
      return require(json.is_boolean(), "not a boolean");
    case FieldDescriptor::CPPTYPE_STRING:
      return require(json.is_string(), "not a string");
    default:
      return require(json.is_number() || json.is_string(), "not a number");
  }
}

void CheckField(const ordered_json& json, const std::string& path, const FieldDescriptor& field, Faults& faults) {
  if (field.is_map()) {
    if (!json.is_object()) return faults.Add(path, "not an object");
    for (const auto& [key, value] : json.items()) {
      CheckValue(value, Join(path, key), *field.message_type()->map_value(), faults);
    }
    return;
  }
  if (!field.is_repeated()) return CheckValue(json, path, field, faults);
  if (!json.is_array()) return faults.Add(path, "not a list");
  for (size_t i = 0; i < json.size(); ++i) CheckValue(json[i], absl::StrCat(path, "[", i, "]"), field, faults);
}

// The field with this name or JSON name; null if there is none.
const FieldDescriptor* FindField(const Descriptor& type, const std::string& key) {
  const FieldDescriptor* field = type.FindFieldByName(key);
  for (int i = 0; field == nullptr && i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == key) field = type.field(i);
  }
  return field;
}

void CheckMembers(const ordered_json& json, const std::string& path, const Descriptor& type, Faults& faults) {
  if (!json.is_object()) return faults.Add(path, "not an object");
  if (type.full_name() == "google.protobuf.Struct") return;  // any JSON
  std::set<const void*> given;
  for (const auto& [key, value] : json.items()) {
    const std::string field_path = Join(path, key);
    const FieldDescriptor* field = FindField(type, key);
    if (field == nullptr) {
      faults.Add(field_path, faults.is_full()
                                 ? ""
                                 : absl::StrCat(type.name(), " has no such field", Suggestion(key, FieldNames(type))));
      continue;
    }
    if (!given.insert(field).second) faults.Add(field_path, "duplicate field, in both spellings");
    if (value.is_null()) continue;
    const auto* oneof = field->real_containing_oneof();
    if (oneof != nullptr && !given.insert(oneof).second) {
      faults.Add(field_path, absl::StrCat("only one field of ", oneof->name(), " can be set"));
    }
    CheckField(value, field_path, *field, faults);
  }
}

// --- Checks of messages, after protobuf has parsed them

void CheckMessage(const Message& message, const std::string& path, Faults& faults);

// Checks item `index` of a repeated field, or the value of a singular field if `index` is negative.
void CheckFieldValue(const Message& message, const FieldDescriptor* field, int index, const std::string& path,
                     Faults& faults) {
  const auto* reflection = message.GetReflection();
  const bool one = index < 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double value =
          one ? reflection->GetDouble(message, field) : reflection->GetRepeatedDouble(message, field, index);
      if (!std::isfinite(value)) faults.Add(path, "the number is not finite");
      return;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int value =
          one ? reflection->GetEnumValue(message, field) : reflection->GetRepeatedEnumValue(message, field, index);
      if (field->enum_type()->FindValueByNumber(value) != nullptr) return;
      return faults.Add(path, absl::StrCat(field->enum_type()->name(), " has no value ", value));
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value =
          one ? reflection->GetString(message, field) : reflection->GetRepeatedString(message, field, index);
      if (!IsUtf8(value)) faults.Add(path, "the string is not valid UTF-8");
      return;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return CheckMessage(
          one ? reflection->GetMessage(message, field) : reflection->GetRepeatedMessage(message, field, index), path,
          faults);
    default:
      return;
  }
}

// After parsing textproto, the map is still a list of entries, which can contain duplicates.
void CheckMapKeys(const Message& message, const FieldDescriptor* field, const std::string& path, Faults& faults) {
  std::set<std::string> keys;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, field); ++i) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, field, i);
    const std::string key = entry.GetReflection()->GetString(entry, field->message_type()->map_key());
    if (!keys.insert(key).second) faults.Add(path, absl::StrCat("duplicate key ", Quoted(key)));
  }
}

void CheckMessage(const Message& message, const std::string& path, Faults& faults) {
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string field_path = Join(path, field->name());
    if (field->is_map()) CheckMapKeys(message, field, field_path, faults);
    if (!field->is_repeated()) {
      CheckFieldValue(message, field, -1, field_path, faults);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      CheckFieldValue(message, field, i, absl::StrCat(field_path, "[", i, "]"), faults);
    }
  }
}

// A file that sets no field would be valid in every format.
absl::Status CheckRead(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  if (fields.empty()) return Invalid("", "no field is set");
  Faults faults;
  CheckMessage(message, "", faults);
  return faults.ToStatus();
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
  Faults faults;
  CheckMembers(json, "", *message.GetDescriptor(), faults);
  if (faults.count() > 0) return faults.ToStatus();
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
