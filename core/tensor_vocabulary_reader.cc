// SPDX-License-Identifier: Apache-2.0
#include "core/tensor_vocabulary_reader.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/catalog_json.h"
#include "core/quark_names.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

absl::Status ReadEnums(const ordered_json& json, TensorVocabulary& vocabulary) {
  const std::pair<const google::protobuf::EnumDescriptor*, const char*> kEnums[] = {
      {v1::Dtype_descriptor(), "Dtype"},
      {v1::QSchemeType_descriptor(), "QSchemeType"},
      {v1::RoundType_descriptor(), "RoundType"},
      {v1::ScaleType_descriptor(), "ScaleType"},
      {v1::ZeroPointType_descriptor(), "ZeroPointType"},
      {v1::DeviceType_descriptor(), "DeviceType_values"},
  };
  for (const auto& [type, key] : kEnums) {
    TensorVocabulary::Names& names = vocabulary.enums[type->name()];
    QCONFIG_RETURN_IF_ERROR(
        ReadStrings(Member(json, key), key, [&names = names](std::string name) { names.push_back(std::move(name)); }));
    for (const std::string& name : names) {
      if (FindByQuarkName(type, name) == nullptr) {
        return Malformed(key, absl::StrCat("the contract has no value ", name));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ReadObservers(const ordered_json& json, TensorVocabulary& vocabulary) {
  for (const auto& [group, list] : json.items()) {
    TensorVocabulary::Names& names = vocabulary.observers[group];
    QCONFIG_RETURN_IF_ERROR(ReadStrings(list, absl::StrCat("observers.", group),
                                        [&names](std::string name) { names.push_back(std::move(name)); }));
  }
  for (const char* group : {"all", "placeholder"}) {
    if (vocabulary.observers[group].empty()) return Malformed("observers", absl::StrCat("missing group ", group));
  }
  return absl::OkStatus();
}

absl::Status ReadDtypes(const ordered_json& json, const std::string& path, std::set<v1::Dtype>& dtypes) {
  bool known = true;
  QCONFIG_RETURN_IF_ERROR(ReadStrings(json, path, [&](const std::string& name) {
    const auto* value = FindByQuarkName(v1::Dtype_descriptor(), name);
    known = known && value != nullptr;
    if (value != nullptr) dtypes.insert(static_cast<v1::Dtype>(value->number()));
  }));
  return known ? absl::OkStatus() : Malformed(path, "the contract does not have one of the data types");
}

absl::Status ReadRequirements(const ordered_json& json, TensorVocabulary& vocabulary) {
  for (const ordered_json& item : json) {
    TensorVocabulary::Requirement requirement;
    QCONFIG_RETURN_IF_ERROR(ReadDtypes(Member(item, "dtypes"), "dtype_requirements.dtypes", requirement.dtypes));
    QCONFIG_RETURN_IF_ERROR(
        ReadStrings(Member(item, "fields"), "dtype_requirements.fields", [&requirement](const std::string& name) {
          requirement.fields.push_back(v1::QTensorConfig::descriptor()->FindFieldByName(name));
        }));
    for (const auto* field : requirement.fields) {
      if (field == nullptr)
        return Malformed("dtype_requirements.fields", "QTensorConfig does not have one of the fields");
    }
    vocabulary.requirements.push_back(std::move(requirement));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TensorVocabulary> ReadTensorVocabulary(const ordered_json& vocabulary, const ordered_json& settings) {
  TensorVocabulary result;
  QCONFIG_RETURN_IF_ERROR(ReadEnums(vocabulary, result));
  QCONFIG_RETURN_IF_ERROR(ReadObservers(Member(vocabulary, "observers"), result));
  QCONFIG_RETURN_IF_ERROR(ReadDtypes(Member(vocabulary, "only_dtype_change"), "only_dtype_change", result.cast));
  QCONFIG_RETURN_IF_ERROR(ReadDtypes(Member(vocabulary, "non_scaled"), "non_scaled", result.self_scaled));
  QCONFIG_RETURN_IF_ERROR(ReadRequirements(Member(settings, "dtype_requirements"), result));
  return result;
}

}  // namespace qconfig
