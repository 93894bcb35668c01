// SPDX-License-Identifier: Apache-2.0
#include "core/shape_checks.h"

#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/algorithms.h"
#include "core/error.h"
#include "core/utf8.h"

namespace qconfig {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

absl::Status CheckLength(absl::string_view text, size_t max_chars, absl::string_view field) {
  // A character has at least one byte, so most texts are short enough without counting.
  if (text.size() <= max_chars || CountCodePoints(text) <= max_chars) return absl::OkStatus();
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field(field)
      .Value(text)
      .ToStatus(absl::StrCat("has more than ", max_chars, " characters"));
}

absl::Status CheckName(absl::string_view name, absl::string_view field, const Limits& limits) {
  ShapeChecks checks(limits);
  checks.Required(!name.empty(), field);
  checks.Name(name, field);
  return checks.status();
}

void ShapeChecks::Name(absl::string_view text, absl::string_view field) {
  if (ok()) status_ = CheckLength(text, limits_.name_chars, field);
}

void ShapeChecks::Pattern(absl::string_view text, absl::string_view field) {
  if (ok()) status_ = CheckLength(text, limits_.pattern_chars, field);
}

void ShapeChecks::Count(int count, absl::string_view field) { AtMost(limits_.list_entries, count, field); }

void ShapeChecks::AtMost(size_t max_count, int count, absl::string_view field) {
  Require(static_cast<size_t>(count) <= max_count, field, absl::StrCat(count),
          absl::StrCat("has more than ", max_count, " entries"));
}

void ShapeChecks::Required(bool present, absl::string_view field) {
  if (ok() && !present) status_ = Error(v1::ERROR_REASON_INVALID_REQUEST).Field(field).ToRequiredStatus();
}

void ShapeChecks::NewName(absl::string_view text, absl::string_view field) {
  Required(!text.empty(), field);
  Name(text, field);
  Require(IsPrintable(text), field, text, "must not contain invisible characters");
}

void ShapeChecks::Finite(double number, absl::string_view field) {
  Require(std::isfinite(number), field, absl::StrCat(number), "must be a finite number");
}

void ShapeChecks::Once(absl::string_view text, absl::flat_hash_set<std::string>& seen, absl::string_view field) {
  if (ok()) Require(seen.insert(std::string(text)).second, field, text, "is given twice");
}

void ShapeChecks::OneOf(absl::string_view text, const std::vector<absl::string_view>& allowed, absl::string_view field,
                        absl::string_view problem, NameKind kind) {
  if (!ok() || std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return;
  status_ = Error(v1::ERROR_REASON_INVALID_REQUEST)
                .Field(field)
                .Value(text)
                .Suggest(kind, allowed)
                .Allowed(allowed)
                .ToStatus(problem);
}

void ShapeChecks::Require(bool condition, absl::string_view field, absl::string_view value, absl::string_view problem) {
  if (!ok() || condition) return;
  status_ = Error(v1::ERROR_REASON_INVALID_REQUEST).Field(field).Value(value).ToStatus(problem);
}

void ShapeChecks::Fields(const Message& message, const std::string& path) {
  if (message.GetDescriptor() == google::protobuf::Struct::descriptor()) {
    // The arguments of a spec class, which has no lists or dictionaries.
    for (const auto& [key, value] : static_cast<const google::protobuf::Struct&>(message).fields()) {
      Name(key, path);
      Pattern(value.string_value(), path);
    }
    return;
  }
  constexpr int kSingular = -1;
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string field_path = absl::StrCat(path, ".", field->name());
    if (!field->is_repeated()) {
      Item(message, field, kSingular, field_path);
      continue;
    }
    const int count = message.GetReflection()->FieldSize(message, field);
    Count(count, field_path);
    for (int i = 0; i < count && ok(); ++i) Item(message, field, i, absl::StrCat(field_path, "[", i, "]"));
  }
}

void ShapeChecks::Item(const Message& message, const FieldDescriptor* field, int index, const std::string& path) {
  const auto* reflection = message.GetReflection();
  const bool singular = index < 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return Pattern(singular ? reflection->GetStringReference(message, field, &scratch)
                              : reflection->GetRepeatedStringReference(message, field, index, &scratch),
                     path);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Finite(
          singular ? reflection->GetDouble(message, field) : reflection->GetRepeatedDouble(message, field, index),
          path);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Fields(
          singular ? reflection->GetMessage(message, field) : reflection->GetRepeatedMessage(message, field, index),
          path);
    default:
      return;  // other types have no invalid values
  }
}

void ShapeChecks::Algorithm(const v1::AlgoConfig& config, absl::string_view algorithm, const std::string& path) {
  Required(config.config_case() != v1::AlgoConfig::CONFIG_NOT_SET, path);
  Require(AlgorithmName(config) == algorithm, path, AlgorithmName(config),
          absl::StrCat("must be a configuration of ", algorithm));
  if (!ok()) return;
  const std::string fields_path = absl::StrCat(path, ".", algorithm);
  Fields(*AlgorithmFields(config), fields_path);
  absl::flat_hash_set<std::string> positions;
  for (int i = 0; i < config.rotation().scaling_layers_size() && ok(); ++i) {
    Once(config.rotation().scaling_layers(i).position(), positions,
         absl::StrCat(fields_path, ".scaling_layers[", i, "].position"));
  }
}

}  // namespace qconfig
