// SPDX-License-Identifier: Apache-2.0
#include "core/spec_class_reader.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/catalog_json.h"
#include "core/quark_json_reader.h"
#include "core/quark_names.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using nlohmann::ordered_json;

absl::Status ReadType(const ordered_json& json, const std::string& path, SpecClass::Field& field) {
  constexpr std::pair<absl::string_view, SpecClass::Field::Type> kTypes[] = {
      {"bool", SpecClass::Field::Type::kBool},
      {"int", SpecClass::Field::Type::kInt},
      {"str", SpecClass::Field::Type::kString},
  };
  const std::string text = json.is_string() ? json.get<std::string>() : "";
  for (const auto& [name, type] : kTypes) {
    if (absl::StripSuffix(text, " | None") != name) continue;
    field.type = type;
    return absl::OkStatus();
  }
  return Malformed(path, absl::StrCat("unknown type: ", text));
}

absl::Status ReadDefault(const ordered_json& json, const std::string& path, SpecClass::Field& field) {
  google::protobuf::Value value;
  if (json.is_null()) {
    value.set_null_value(google::protobuf::NULL_VALUE);
  } else if (json.is_boolean()) {
    value.set_bool_value(json.get<bool>());
  } else if (json.is_number_integer()) {
    value.set_number_value(json.get<int>());
  } else if (json.is_string()) {
    value.set_string_value(json.get<std::string>());
  } else {
    return Malformed(path, "the default has an unknown type");
  }
  field.default_value = std::move(value);
  return absl::OkStatus();
}

// Whether the target can hold the values of the field.
bool Fits(const SpecClass::Field& field) {
  if (field.target->is_repeated()) return false;
  switch (field.target->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return field.type == SpecClass::Field::Type::kBool;
    case FieldDescriptor::CPPTYPE_INT32:
      return field.type == SpecClass::Field::Type::kInt;
    case FieldDescriptor::CPPTYPE_STRING:
      return field.type == SpecClass::Field::Type::kString;
    case FieldDescriptor::CPPTYPE_ENUM:
      for (const auto& [name, quark_name] : field.names) {
        if (FindByQuarkName(field.target->enum_type(), quark_name) == nullptr) return false;
      }
      return field.type == SpecClass::Field::Type::kString && !field.names.empty();
    default:
      return false;
  }
}

// `meaning` is the entry of the field in catalog.json. Null: the field sets its namesake to any value.
absl::Status ReadMeaning(const ordered_json& meaning, const std::string& path, SpecClass::Field& field) {
  const auto sets = meaning.find("sets");
  const bool ignored = sets != meaning.end() && sets->is_null();
  if (ignored) return absl::OkStatus();
  const std::string target = sets != meaning.end() && sets->is_string() ? sets->get<std::string>() : field.name;
  field.target = v1::QTensorConfig::descriptor()->FindFieldByName(target);
  for (const auto& [name, quark_name] : Member(meaning, "values").items()) {
    if (!quark_name.is_string()) return Malformed(path, "`values` must be strings");
    field.names.emplace_back(name, quark_name.get<std::string>());
  }
  for (const ordered_json& integer : Member(meaning, "allowed")) {
    if (!integer.is_number_integer()) return Malformed(path, "`allowed` must be integers");
    field.integers.push_back(integer.get<int>());
  }
  if (field.target == nullptr || !Fits(field)) return Malformed(path, absl::StrCat("cannot set ", target));
  return absl::OkStatus();
}

absl::Status ReadField(const ordered_json& json, const ordered_json& meanings, const ordered_json& common_meanings,
                       const std::string& class_path, SpecClass::Field& field) {
  if (!Member(json, "field").is_string()) return Malformed(class_path, "a field has no name");
  field.name = json["field"].get<std::string>();
  const std::string path = absl::StrCat(class_path, ".", field.name);
  QCONFIG_RETURN_IF_ERROR(ReadType(Member(json, "type"), path, field));
  if (!Member(json, "required").is_boolean()) {
    QCONFIG_RETURN_IF_ERROR(ReadDefault(Member(json, "default"), path, field));
  }
  const bool is_own = meanings.contains(field.name);
  return ReadMeaning(Member(is_own ? meanings : common_meanings, field.name.c_str()), path, field);
}

}  // namespace

absl::StatusOr<std::vector<SpecClass>> ReadSpecClasses(const ordered_json& presets, const ordered_json& settings) {
  const ordered_json& specs = Member(settings, "specs");
  std::vector<SpecClass> classes;
  for (const auto& [name, fields] : presets.items()) {
    SpecClass spec;
    spec.name = name;
    const ordered_json& meaning = Member(specs, name.c_str());
    QCONFIG_RETURN_IF_ERROR(
        ReadQuarkJson(Member(meaning, "tensor"), absl::StrCat("specs.", name, ".tensor"), spec.tensor));
    for (const ordered_json& field : fields) {
      QCONFIG_RETURN_IF_ERROR(ReadField(field, Member(meaning, "fields"), Member(settings, "spec_fields"), name,
                                        spec.fields.emplace_back()));
    }
    classes.push_back(std::move(spec));
  }
  for (const auto& [name, unused] : specs.items()) {
    if (!presets.contains(name))
      return Malformed(absl::StrCat("specs.", name), "spec_presets.json does not have this class");
  }
  return classes;
}

}  // namespace qconfig
