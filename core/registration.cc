// SPDX-License-Identifier: Apache-2.0
#include "core/registration.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/algorithm_config.h"
#include "core/complete_layer.h"
#include "core/error.h"
#include "core/error_list.h"
#include "core/field_behavior.h"
#include "core/layer_spec.h"
#include "core/layer_tensors.h"
#include "core/shape_checks.h"
#include "core/status_macros.h"
#include "core/tensor_rules.h"

namespace qconfig {
namespace {

constexpr size_t kMaxLabels = 64;
constexpr size_t kMaxProjections = 64;  // K and V, or Q; built-in templates have at most three
constexpr size_t kMaxBlockSizes = 16;   // Quark uses two, and keeps more for data types that use none

// The etag of an entry is the revision that last wrote it.
std::string NextEtag(const RegistrationContext& context) { return absl::StrCat(context.next_revision); }

template <typename Labels>
void CheckLabels(const Labels& labels, const std::string& path, ShapeChecks& checks) {
  checks.AtMost(kMaxLabels, static_cast<int>(labels.size()), path);
  if (!checks.ok()) return;
  for (const auto& [key, value] : labels) checks.NewName(key, path);
}

absl::Status CheckEtag(const std::string& etag, const std::string& current) {
  if (etag.empty() || etag == current) return absl::OkStatus();
  return Error(v1::ERROR_REASON_ETAG_MISMATCH)
      .Field("etag")
      .Value(etag)
      .ToStatus(current.empty() ? "the tenant has no such entry" : "the entry has changed since this etag");
}

// Defaults make the stored entry larger than the one in the request.
absl::Status CheckEntryBytes(size_t bytes, const Limits& limits, absl::string_view field) {
  if (bytes <= limits.entry_bytes) return absl::OkStatus();
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field(field)
      .ToStatus(absl::StrCat("has ", bytes, " bytes with its defaults, more than the limit of ", limits.entry_bytes));
}

// Checks the quotas of a tenant that replaces `replaced`, which is null for a new entry, with `entry`.
absl::Status CheckQuota(const google::protobuf::Message* replaced, const google::protobuf::Message& entry,
                        const RegistrationContext& context, absl::string_view field) {
  Error error(v1::ERROR_REASON_QUOTA_EXCEEDED);
  error.Field(field).Advice("Unregister entries that are no longer used, or ask the operator for a larger quota");
  const size_t entries = context.registry.schemes().size() + context.registry.templates().size();
  if (replaced == nullptr && entries >= context.limits.tenant_entries) {
    return error.ToStatus(absl::StrCat("the tenant has ", entries, " schemes and templates, and its quota is ",
                                       context.limits.tenant_entries));
  }
  const size_t freed = replaced == nullptr ? 0 : replaced->ByteSizeLong();
  const size_t bytes = context.registry.bytes() - freed + entry.ByteSizeLong();
  if (bytes > context.limits.tenant_bytes) {
    return error.ToStatus(absl::StrCat("the tenant's schemes and templates would take ", bytes,
                                       " bytes, and its quota is ", context.limits.tenant_bytes));
  }
  return absl::OkStatus();
}

// Sets the output-only fields that are stored.
template <typename Entry>
void SetByServer(const Entry* replaced, const RegistrationContext& context, Entry& entry) {
  ClearOutputOnly(entry);
  entry.set_origin(v1::REGISTRY_ORIGIN_TENANT);
  entry.set_etag(NextEtag(context));
  *entry.mutable_create_time() = replaced == nullptr ? context.now : replaced->create_time();
  *entry.mutable_update_time() = context.now;
}

absl::Status BuiltinReadOnly(absl::string_view field, absl::string_view name, const Catalog& catalog,
                             absl::string_view advice) {
  return Error(v1::ERROR_REASON_BUILTIN_READ_ONLY)
      .Field(field)
      .Value(name)
      .Catalog(catalog.name())
      .Advice(advice)
      .ToStatus("built-in entries cannot be unregistered");
}

const Catalog* CatalogWithScheme(const RegistrationContext& context, absl::string_view name) {
  const auto it = std::find_if(context.catalogs.begin(), context.catalogs.end(),
                               [name](const auto& catalog) { return catalog->FindScheme(name) != nullptr; });
  return it == context.catalogs.end() ? nullptr : it->get();
}

const Catalog* CatalogWithTemplate(const RegistrationContext& context, absl::string_view model_type) {
  const auto it = std::find_if(context.catalogs.begin(), context.catalogs.end(), [model_type](const auto& catalog) {
    return catalog->FindTemplate(model_type) != nullptr;
  });
  return it == context.catalogs.end() ? nullptr : it->get();
}

// The result of `check` for the first of `catalogs` that it accepts. If it accepts none: its error for the first one.
template <typename Check>
auto FirstAccepted(const Catalogs& catalogs, Check check) -> decltype(check(*catalogs.front())) {
  auto first = check(*catalogs.front());
  for (size_t i = 1; i < catalogs.size() && !first.ok(); ++i) {
    auto other = check(*catalogs[i]);
    if (other.ok()) return other;
  }
  return first;
}

absl::StatusOr<v1::QLayerConfig> ExpandScheme(const v1::Scheme& scheme, const RegistrationContext& context) {
  return FirstAccepted(context.catalogs, [&scheme](const Catalog& catalog) -> absl::StatusOr<v1::QLayerConfig> {
    if (scheme.has_spec()) return ExpandLayerSpec(catalog, scheme.spec(), "scheme.spec");
    v1::QLayerConfig layer = CompleteLayer(scheme.config());
    QCONFIG_RETURN_IF_ERROR(CheckLayer(catalog, layer, "scheme.config"));
    return layer;
  });
}

void CheckBlockSizes(const v1::QLayerConfig& layer, ShapeChecks& checks) {
  for (const LayerTensor& tensor : kLayerTensors) {
    const auto& stages = (layer.*tensor.stages)();
    for (int i = 0; i < stages.size(); ++i) {
      checks.AtMost(kMaxBlockSizes, stages[i].block_size_size(),
                    absl::StrCat("scheme.config.", tensor.name, "[", i, "].block_size"));
    }
  }
}

absl::Status CheckShape(const v1::Scheme& scheme, const Limits& limits) {
  ShapeChecks checks(limits);
  checks.NewName(scheme.name(), "scheme.name");
  checks.Require(scheme.has_config() != scheme.has_spec(), "scheme", scheme.name(),
                 "exactly one of config and spec is required");
  CheckLabels(scheme.labels(), "scheme.labels", checks);
  if (checks.ok()) checks.Fields(scheme, "scheme");
  if (checks.ok()) CheckBlockSizes(scheme.config(), checks);
  return checks.status();
}

void CheckConverters(const v1::LlmTemplate& entry, ShapeChecks& checks) {
  for (int i = 0; i < entry.f2f_weight_converters_size(); ++i) {
    const v1::WeightConverter& converter = entry.f2f_weight_converters(i);
    for (int j = 0; j < converter.operations_size(); ++j) {
      checks.Require(converter.operations(j).operation_case() != v1::WeightOperation::OPERATION_NOT_SET,
                     absl::StrCat("llm_template.f2f_weight_converters[", i, "].operations[", j, "]"), "",
                     "the operation is empty; set one of its fields");
    }
  }
}

absl::Status CheckShape(const v1::LlmTemplate& entry, const Limits& limits) {
  ShapeChecks checks(limits);
  checks.NewName(entry.model_type(), "llm_template.model_type");
  CheckLabels(entry.labels(), "llm_template.labels", checks);
  if (checks.ok()) checks.Fields(entry, "llm_template");
  for (const auto& [count, field] : {std::pair(entry.kv_layers_name_size(), "llm_template.kv_layers_name"),
                                     std::pair(entry.q_layer_name_size(), "llm_template.q_layer_name")}) {
    checks.AtMost(kMaxProjections, count, field);
  }
  for (int i = 0; i < entry.gate_up_layers_name_size() && checks.ok(); ++i) {
    checks.Name(entry.gate_up_layers_name(i), absl::StrCat("llm_template.gate_up_layers_name[", i, "]"));
  }
  if (checks.ok()) CheckConverters(entry, checks);
  return checks.status();
}

absl::Status UnsupportedAlgorithm(const Catalogs& catalogs, const std::string& name, const std::string& path) {
  std::vector<absl::string_view> names;
  for (const auto& catalog : catalogs) {
    for (const std::string& known : catalog->algorithms()) {
      if (std::find(names.begin(), names.end(), known) == names.end()) names.push_back(known);
    }
  }
  return Error(v1::ERROR_REASON_UNSUPPORTED_ALGORITHM)
      .Field(path)
      .Value(name)
      .Suggest(NameKind::kAlgorithm, names)
      .Allowed(names)
      .ToStatus("no catalogue of this server has an algorithm with this name");
}

// Converts the name to lower case and fills in Quark's defaults. `seen` has the names of earlier algorithms.
absl::Status CompleteAlgorithm(const RegistrationContext& context, const std::string& path,
                               absl::flat_hash_set<std::string>& seen, v1::AlgoConfigEntry& algorithm) {
  QCONFIG_RETURN_IF_ERROR(CheckName(algorithm.algorithm(), path + "algorithm", context.limits));
  const std::string name = absl::AsciiStrToLower(algorithm.algorithm());
  Catalogs with_algorithm;
  for (const auto& catalog : context.catalogs) {
    if (catalog->FindAlgorithm(name) != nullptr) with_algorithm.push_back(catalog);
  }
  if (with_algorithm.empty()) return UnsupportedAlgorithm(context.catalogs, algorithm.algorithm(), path + "algorithm");
  ShapeChecks checks(context.limits);
  checks.Once(name, seen, path + "algorithm");
  checks.Algorithm(algorithm.config(), name, path + "config");
  if (!checks.ok()) return checks.status();
  QCONFIG_ASSIGN_OR_RETURN(*algorithm.mutable_config(), FirstAccepted(with_algorithm, [&](const Catalog& catalog) {
    return CompleteAlgoConfig(catalog, algorithm.config(), path + "config");
  }));
  algorithm.set_algorithm(name);
  return absl::OkStatus();
}

absl::Status CompleteAlgorithms(const RegistrationContext& context, v1::LlmTemplate& entry) {
  absl::flat_hash_set<std::string> seen;
  ErrorList errors;
  for (int i = 0; i < entry.algorithm_configs_size() && !errors.is_full(); ++i) {
    const std::string path = absl::StrCat("llm_template.algorithm_configs[", i, "].");
    errors.Add(CompleteAlgorithm(context, path, seen, *entry.mutable_algorithm_configs(i)));
  }
  return errors.ToStatus();
}

}  // namespace

absl::StatusOr<v1::RegistryChange> PutScheme(const v1::Scheme& given, const PutConditions& conditions,
                                             const RegistrationContext& context) {
  const v1::Scheme* replaced = context.registry.FindScheme(given.name());
  v1::RegistryChange change;
  v1::Scheme& scheme = *change.mutable_put_scheme();
  scheme = given;
  SetByServer(replaced, context, scheme);
  QCONFIG_RETURN_IF_ERROR(CheckShape(scheme, context.limits));
  QCONFIG_ASSIGN_OR_RETURN(*scheme.mutable_config(), ExpandScheme(scheme, context));
  QCONFIG_RETURN_IF_ERROR(CheckEntryBytes(scheme.ByteSizeLong(), context.limits, "scheme"));

  Error exists(v1::ERROR_REASON_SCHEME_EXISTS);
  exists.Field("scheme.name").Value(scheme.name());
  const Catalog* catalog = replaced == nullptr ? CatalogWithScheme(context, scheme.name()) : nullptr;
  if (catalog != nullptr) {
    return exists.Catalog(catalog->name()).ToStatus("a built-in scheme has this name and cannot be replaced");
  }
  if (replaced != nullptr && !conditions.may_replace && conditions.etag.empty()) {
    return exists.Advice("Set `replace` to replace it (`qconfigctl register scheme --replace`)")
        .ToStatus("the tenant already has a scheme with this name");
  }
  QCONFIG_RETURN_IF_ERROR(CheckEtag(conditions.etag, replaced == nullptr ? "" : replaced->etag()));
  QCONFIG_RETURN_IF_ERROR(CheckQuota(replaced, scheme, context, "scheme"));
  return change;
}

absl::StatusOr<v1::RegistryChange> DeleteScheme(const std::string& name, const std::string& etag,
                                                const RegistrationContext& context) {
  QCONFIG_RETURN_IF_ERROR(CheckName(name, "name", context.limits));
  const v1::Scheme* scheme = context.registry.FindScheme(name);
  if (scheme == nullptr) {
    if (const Catalog* catalog = CatalogWithScheme(context, name)) {
      return BuiltinReadOnly("name", name, *catalog, "To change it, register a scheme with another name and use that");
    }
    std::vector<absl::string_view> names;
    for (const auto& known : context.registry.schemes()) names.push_back(known->name());
    Error error(v1::ERROR_REASON_SCHEME_NOT_FOUND);
    error.Field("name").Value(name).Suggest(NameKind::kOther, names);
    if (!names.empty()) error.Allowed(names);
    return error.ToStatus("the tenant has no scheme with this name");
  }
  QCONFIG_RETURN_IF_ERROR(CheckEtag(etag, scheme->etag()));
  v1::RegistryChange change;
  change.mutable_delete_scheme()->set_name(name);
  change.mutable_delete_scheme()->set_etag(scheme->etag());
  return change;
}

absl::StatusOr<v1::RegistryChange> PutTemplate(const v1::LlmTemplate& given, const PutConditions& conditions,
                                               const RegistrationContext& context) {
  const v1::LlmTemplate* replaced = context.registry.FindTemplate(given.model_type());
  v1::RegistryChange change;
  v1::LlmTemplate& entry = *change.mutable_put_template();
  entry = given;
  SetByServer(replaced, context, entry);
  QCONFIG_RETURN_IF_ERROR(CheckShape(entry, context.limits));
  QCONFIG_RETURN_IF_ERROR(CompleteAlgorithms(context, entry));
  QCONFIG_RETURN_IF_ERROR(CheckEntryBytes(entry.ByteSizeLong(), context.limits, "llm_template"));
  if (replaced != nullptr && !conditions.may_replace) {
    return Error(v1::ERROR_REASON_TEMPLATE_EXISTS)
        .Field("llm_template.model_type")
        .Value(entry.model_type())
        .ToStatus("the tenant already has a template for this model type, and `must_be_new` is set");
  }
  QCONFIG_RETURN_IF_ERROR(CheckEtag(conditions.etag, replaced == nullptr ? "" : replaced->etag()));
  QCONFIG_RETURN_IF_ERROR(CheckQuota(replaced, entry, context, "llm_template"));
  return change;
}

absl::StatusOr<v1::RegistryChange> DeleteTemplate(const std::string& model_type, const std::string& etag,
                                                  const RegistrationContext& context) {
  QCONFIG_RETURN_IF_ERROR(CheckName(model_type, "model_type", context.limits));
  const v1::LlmTemplate* entry = context.registry.FindTemplate(model_type);
  if (entry == nullptr) {
    if (const Catalog* catalog = CatalogWithTemplate(context, model_type)) {
      return BuiltinReadOnly("model_type", model_type, *catalog,
                             "To replace it for this tenant, register a template for the same model type");
    }
    std::vector<absl::string_view> names;
    for (const auto& known : context.registry.templates()) names.push_back(known->model_type());
    Error error(v1::ERROR_REASON_TEMPLATE_NOT_FOUND);
    error.Field("model_type").Value(model_type).Suggest(NameKind::kOther, names);
    if (!names.empty()) error.Allowed(names);
    return error.ToStatus("the tenant has no template for this model type");
  }
  QCONFIG_RETURN_IF_ERROR(CheckEtag(etag, entry->etag()));
  v1::RegistryChange change;
  change.mutable_delete_template()->set_model_type(model_type);
  change.mutable_delete_template()->set_etag(entry->etag());
  return change;
}

absl::StatusOr<v1::RegistryChange> ChangeDefaultCatalog(const std::string& catalog, int64_t expected_revision,
                                                        const RegistrationContext& context) {
  QCONFIG_RETURN_IF_ERROR(CheckName(catalog, "catalog", context.limits));
  if (expected_revision < 0) {
    return Error(v1::ERROR_REASON_INVALID_REQUEST)
        .Field("expected_revision")
        .Value(absl::StrCat(expected_revision))
        .ToStatus("must not be negative");
  }
  const auto is_named = [&catalog](const auto& known) { return known->name() == catalog; };
  if (std::none_of(context.catalogs.begin(), context.catalogs.end(), is_named)) {
    return CatalogNotFound(catalog, context.catalogs);
  }
  const int64_t newest = context.registry.revision();
  if (expected_revision != 0 && expected_revision != newest) {
    return Error(v1::ERROR_REASON_REVISION_MISMATCH)
        .Field("expected_revision")
        .Value(absl::StrCat(expected_revision))
        .Revisions(0, newest)  // the oldest revision is not known here
        .Advice(absl::StrCat("The newest revision is ", newest))
        .ToStatus("not the newest revision of the tenant's registry");
  }
  v1::RegistryChange change;
  if (catalog != context.registry.default_catalog()) change.set_set_default_catalog(catalog);
  return change;
}

}  // namespace qconfig
