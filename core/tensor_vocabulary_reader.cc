// SPDX-License-Identifier: Apache-2.0
#include "core/tensor_vocabulary_reader.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/catalog_json.h"
#include "core/quark_names.h"

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
    const absl::Status status =
        ReadStrings(Member(json, key), key, [&names = names](std::string name) { names.push_back(std::move(name)); });
    if (!status.ok()) return status;
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
    const absl::Status status = ReadStrings(list, absl::StrCat("observers.", group),
                                            [&names](std::string name) { names.push_back(std::move(name)); });
    if (!status.ok()) return status;
  }
  for (const char* group : {"all", "placeholder"}) {
    if (vocabulary.observers[group].empty()) return Malformed("observers", absl::StrCat("no group ", group));
  }
  return absl::OkStatus();
}

absl::Status ReadDtypes(const ordered_json& json, const std::string& path, std::set<v1::Dtype>& dtypes) {
  bool known = true;
  const absl::Status status = ReadStrings(json, path, [&](const std::string& name) {
    const auto* value = FindByQuarkName(v1::Dtype_descriptor(), name);
    known = known && value != nullptr;
    if (value != nullptr) dtypes.insert(static_cast<v1::Dtype>(value->number()));
  });
  if (!status.ok()) return status;
  return known ? absl::OkStatus() : Malformed(path, "a data type that the contract does not have");
}

absl::Status ReadRequirements(const ordered_json& json, TensorVocabulary& vocabulary) {
  for (const ordered_json& item : json) {
    TensorVocabulary::Requirement requirement;
    absl::Status status = ReadDtypes(Member(item, "dtypes"), "dtype_requirements.dtypes", requirement.dtypes);
    if (!status.ok()) return status;
    status = ReadStrings(Member(item, "fields"), "dtype_requirements.fields", [&requirement](const std::string& name) {
      requirement.fields.push_back(v1::QTensorConfig::descriptor()->FindFieldByName(name));
    });
    if (!status.ok()) return status;
    for (const auto* field : requirement.fields) {
      if (field == nullptr) return Malformed("dtype_requirements.fields", "no field of a tensor's configuration");
    }
    vocabulary.requirements.push_back(std::move(requirement));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TensorVocabulary> ReadTensorVocabulary(const ordered_json& vocabulary, const ordered_json& settings) {
  TensorVocabulary result;
  absl::Status status = ReadEnums(vocabulary, result);
  if (!status.ok()) return status;
  status = ReadObservers(Member(vocabulary, "observers"), result);
  if (!status.ok()) return status;
  status = ReadDtypes(Member(vocabulary, "only_dtype_change"), "only_dtype_change", result.cast);
  if (!status.ok()) return status;
  status = ReadDtypes(Member(vocabulary, "non_scaled"), "non_scaled", result.self_scaled);
  if (!status.ok()) return status;
  status = ReadRequirements(Member(settings, "dtype_requirements"), result);
  if (!status.ok()) return status;
  return result;
}

}  // namespace qconfig
