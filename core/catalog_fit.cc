// SPDX-License-Identifier: Apache-2.0
#include "core/catalog_fit.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "core/algorithms.h"
#include "core/error.h"
#include "core/field_behavior.h"
#include "core/tensor_rules.h"

namespace qconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

absl::Status DoesNotFit(const Catalog& catalog, absl::string_view field, absl::string_view name,
                        absl::string_view problem) {
  return Error(v1::ERROR_REASON_NOT_IN_CATALOG).Field(field).Value(name).Catalog(catalog.name()).ToStatus(problem);
}

// Whether the field, which is set, has the zero value of its type.
bool IsZero(const Message& message, const FieldDescriptor* field) {
  if (field->is_repeated()) return false;
  const auto* reflection = message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return !reflection->GetBool(message, field);
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->GetInt32(message, field) == 0;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection->GetDouble(message, field) == 0;
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->GetString(message, field).empty();
    default:
      return false;
  }
}

void CollectUnlisted(const Catalog& catalog, const Message& config, const std::string& prefix,
                     std::vector<UnlistedField>& unlisted) {
  const ConfigClass* config_class = catalog.FindConfigClass(*config.GetDescriptor());
  if (config_class == nullptr) return;
  std::vector<const FieldDescriptor*> fields;
  config.GetReflection()->ListFields(config, &fields);
  for (const FieldDescriptor* field : fields) {
    if (!config_class->Lists(*field)) {
      if (HasBehavior(*field, v1::FIELD_BEHAVIOR_INPUT_ONLY)) continue;
      unlisted.push_back({prefix + field->name(), IsZero(config, field)});
    } else if (field->message_type() != nullptr && !field->is_repeated()) {
      const Message& nested = config.GetReflection()->GetMessage(config, field);
      CollectUnlisted(catalog, nested, absl::StrCat(prefix, field->name(), "."), unlisted);
    }
  }
}

void Fit(const Catalog& catalog, Message& config) {
  const ConfigClass* config_class = catalog.FindConfigClass(*config.GetDescriptor());
  if (config_class == nullptr) return;
  const auto* reflection = config.GetReflection();
  const std::unique_ptr<Message> fitted(config.New());
  fitted->CopyFrom(*config_class->defaults);
  // In a complete configuration, a nullable field that is absent is None.
  for (const FieldDescriptor* field : config_class->nullable) reflection->ClearField(fitted.get(), field);
  fitted->MergeFrom(config);
  for (const FieldDescriptor* field : config_class->unlisted) reflection->ClearField(fitted.get(), field);
  reflection->Swap(&config, fitted.get());

  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(config, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->message_type() != nullptr && !field->is_repeated()) {
      Fit(catalog, *reflection->MutableMessage(&config, field));
    }
  }
}

}  // namespace

absl::Status CheckFits(const Catalog& catalog, const v1::Scheme& scheme, absl::string_view field) {
  if (scheme.origin() != v1::REGISTRY_ORIGIN_TENANT) return absl::OkStatus();
  const absl::Status layer = CheckLayer(catalog, scheme.config(), "config");
  if (layer.ok()) return layer;
  return DoesNotFit(catalog, field, scheme.name(),
                    absl::StrCat("the scheme cannot be used with this catalogue (", layer.message(), ")"));
}

absl::Status CheckFits(const Catalog& catalog, const v1::LlmTemplate& entry, absl::string_view field) {
  if (entry.origin() != v1::REGISTRY_ORIGIN_TENANT) return absl::OkStatus();
  for (const v1::AlgoConfigEntry& algorithm : entry.algorithm_configs()) {
    if (catalog.FindAlgorithm(algorithm.algorithm()) == nullptr) {
      return DoesNotFit(catalog, field, entry.model_type(),
                        absl::StrCat("the template cannot be used with this catalogue, because Quark ",
                                     catalog.quark_release(), " has no algorithm ", algorithm.algorithm()));
    }
    for (const UnlistedField& unlisted : UnlistedFields(catalog, *AlgorithmFields(algorithm.config()))) {
      if (unlisted.is_zero) continue;
      return DoesNotFit(
          catalog, field, entry.model_type(),
          absl::StrCat("the template cannot be used with this catalogue, because it sets ", algorithm.algorithm(), ".",
                       unlisted.path, ", which Quark ", catalog.quark_release(), " does not have"));
    }
  }
  return absl::OkStatus();
}

void FitAlgoConfig(const Catalog& catalog, v1::AlgoConfig& config) {
  Message* fields = MutableAlgorithmFields(AlgorithmName(config), config);
  if (fields != nullptr) Fit(catalog, *fields);
}

std::vector<UnlistedField> UnlistedFields(const Catalog& catalog, const Message& config) {
  std::vector<UnlistedField> unlisted;
  CollectUnlisted(catalog, config, "", unlisted);
  return unlisted;
}

}  // namespace qconfig
