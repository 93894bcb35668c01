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
#include "core/field_behavior.h"
#include "core/layer_spec.h"
#include "core/shape_checks.h"
#include "core/tensor_rules.h"

namespace qconfig {
namespace {

constexpr int kMaxLabels = 64;
constexpr int kMaxProjections = 64;  // K and V, or Q; a template of a catalogue has three at the most
constexpr int kMaxBlockSizes = 16;   // Quark uses two, and keeps others where it uses none

// The etag of an entry is the revision that last wrote it.
std::string NextEtag(const RegistrationContext& context) { return absl::StrCat(context.next_revision); }

template <typename Labels>
void CheckLabels(const Labels& labels, const std::string& path, ShapeChecks& checks) {
  checks.Require(static_cast<int>(labels.size()) <= kMaxLabels, path, absl::StrCat(labels.size()),
                 absl::StrCat("more entries than the ", kMaxLabels, " allowed"));
  if (!checks.ok()) return;
  for (const auto& [key, value] : labels) checks.NewName(key, path);
}

absl::Status CheckEtag(const std::string& etag, const std::string& current) {
  if (etag.empty() || etag == current) return absl::OkStatus();
  return Error(v1::ERROR_REASON_ETAG_MISMATCH)
      .Field("etag")
      .Value(etag)
      .ToStatus(current.empty() ? "the tenant has no such entry" : "the entry was written to since it had this etag");
}

// An entry that is small in the request is larger with its defaults.
absl::Status CheckEntryBytes(size_t bytes, const Limits& limits, absl::string_view field) {
  if (bytes <= limits.entry_bytes) return absl::OkStatus();
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field(field)
      .ToStatus(absl::StrCat("would be stored in ", bytes, " bytes, more than the ", limits.entry_bytes, " allowed"));
}

// That the tenant may have `entry` instead of `replaced`, which is null for a new entry. `count` entries of its kind
// are there before the write.
absl::Status CheckQuota(size_t count, const google::protobuf::Message* replaced, const google::protobuf::Message& entry,
                        size_t max_count, const RegistrationContext& context, absl::string_view field) {
  const Error error = Error(v1::ERROR_REASON_QUOTA_EXCEEDED).Field(field);
  if (replaced == nullptr && count >= max_count) {
    return error.ToStatus(absl::StrCat("the tenant would have more of them than the ", max_count, " allowed"));
  }
  const size_t freed = replaced == nullptr ? 0 : replaced->ByteSizeLong();
  const size_t bytes = context.registry.bytes() - freed + entry.ByteSizeLong();
  if (bytes > context.limits.tenant_bytes) {
    return error.ToStatus(absl::StrCat("the tenant's entries would take ", bytes, " bytes, more than the ",
                                       context.limits.tenant_bytes, " allowed"));
  }
  return absl::OkStatus();
}

// Fills in the output-only fields that are stored.
template <typename Entry>
void SetByServer(const Entry* replaced, const RegistrationContext& context, Entry& entry) {
  ClearOutputOnly(entry);
  entry.set_origin(v1::REGISTRY_ORIGIN_TENANT);
  entry.set_etag(NextEtag(context));
  *entry.mutable_create_time() = replaced == nullptr ? context.now : replaced->create_time();
  *entry.mutable_update_time() = context.now;
}

absl::Status BuiltinReadOnly(absl::string_view field, absl::string_view name, const Catalog& catalog) {
  return Error(v1::ERROR_REASON_BUILTIN_READ_ONLY)
      .Field(field)
      .Value(name)
      .Catalog(catalog.name())
      .ToStatus("belongs to a catalogue, from which nothing can be removed");
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

using Catalogs = std::vector<std::shared_ptr<const Catalog>>;

// What `check` makes of the first of `catalogs` that it accepts; the refusal of the first one when there is none.
template <typename Check>
auto FirstAccepted(const Catalogs& catalogs, Check check) -> decltype(check(*catalogs.front())) {
  auto first = check(*catalogs.front());
  for (size_t i = 1; i < catalogs.size() && !first.ok(); ++i) {
    auto other = check(*catalogs[i]);
    if (other.ok()) return other;
  }
  return first;
}

absl::StatusOr<v1::QLayerConfig> LayerOf(const v1::Scheme& scheme, const RegistrationContext& context) {
  return FirstAccepted(context.catalogs, [&scheme](const Catalog& catalog) -> absl::StatusOr<v1::QLayerConfig> {
    if (scheme.has_spec()) return ExpandLayerSpec(catalog, scheme.spec(), "scheme.spec");
    v1::QLayerConfig layer = CompleteLayer(scheme.config());
    const absl::Status status = CheckLayer(catalog, layer, "scheme.config");
    if (!status.ok()) return status;
    return layer;
  });
}

void CheckBlockSizes(const v1::QLayerConfig& layer, ShapeChecks& checks) {
  const std::pair<absl::string_view, const google::protobuf::RepeatedPtrField<v1::QTensorConfig>*> kTensors[] = {
      {"input_tensors", &layer.input_tensors()},
      {"output_tensors", &layer.output_tensors()},
      {"weight", &layer.weight()},
      {"bias", &layer.bias()}};
  for (const auto& [name, stages] : kTensors) {
    for (int i = 0; i < stages->size(); ++i) {
      const int count = (*stages)[i].block_size_size();
      checks.Require(count <= kMaxBlockSizes, absl::StrCat("scheme.config.", name, "[", i, "].block_size"),
                     absl::StrCat(count), absl::StrCat("more entries than the ", kMaxBlockSizes, " allowed"));
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
                     "says nothing of what to do");
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
    checks.Require(count <= kMaxProjections, field, absl::StrCat(count),
                   absl::StrCat("more entries than the ", kMaxProjections, " allowed"));
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
      .NearestOf(names)
      .Allowed(names)
      .ToStatus("no algorithm has this name");
}

// Brings the names to lower case and fills in Quark's defaults.
absl::Status CompleteAlgorithms(const RegistrationContext& context, v1::LlmTemplate& entry) {
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < entry.algorithm_configs_size(); ++i) {
    v1::AlgoConfigEntry& algorithm = *entry.mutable_algorithm_configs(i);
    const std::string path = absl::StrCat("llm_template.algorithm_configs[", i, "].");
    if (absl::Status status = CheckName(algorithm.algorithm(), path + "algorithm", context.limits); !status.ok()) {
      return status;
    }
    const std::string name = absl::AsciiStrToLower(algorithm.algorithm());
    Catalogs with_algorithm;
    for (const auto& catalog : context.catalogs) {
      if (catalog->FindAlgorithm(name) != nullptr) with_algorithm.push_back(catalog);
    }
    if (with_algorithm.empty())
      return UnsupportedAlgorithm(context.catalogs, algorithm.algorithm(), path + "algorithm");
    ShapeChecks checks(context.limits);
    checks.Once(name, seen, path + "algorithm");
    checks.Algorithm(algorithm.config(), name, path + "config");
    if (!checks.ok()) return checks.status();
    auto config = FirstAccepted(with_algorithm, [&](const Catalog& catalog) {
      return CompleteAlgoConfig(catalog, algorithm.config(), path + "config");
    });
    if (!config.ok()) return config.status();
    algorithm.set_algorithm(name);
    *algorithm.mutable_config() = *std::move(config);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::RegistryChange> PutScheme(const v1::Scheme& given, const PutConditions& conditions,
                                             const RegistrationContext& context) {
  const v1::Scheme* replaced = context.registry.FindScheme(given.name());
  v1::RegistryChange change;
  v1::Scheme& scheme = *change.mutable_put_scheme();
  scheme = given;
  SetByServer(replaced, context, scheme);
  absl::Status status = CheckShape(scheme, context.limits);
  if (!status.ok()) return status;
  auto layer = LayerOf(scheme, context);
  if (!layer.ok()) return layer.status();
  *scheme.mutable_config() = *std::move(layer);
  status = CheckEntryBytes(scheme.ByteSizeLong(), context.limits, "scheme");
  if (!status.ok()) return status;

  Error exists(v1::ERROR_REASON_SCHEME_EXISTS);
  exists.Field("scheme.name").Value(scheme.name());
  const Catalog* catalog = replaced == nullptr ? CatalogWithScheme(context, scheme.name()) : nullptr;
  if (catalog != nullptr) {
    return exists.Catalog(catalog->name()).ToStatus("a catalogue has a scheme of this name, which cannot be replaced");
  }
  if (replaced != nullptr && !conditions.may_replace && conditions.etag.empty()) {
    return exists.Advice("Set `replace` to replace it").ToStatus("the tenant has a scheme of this name");
  }
  status = CheckEtag(conditions.etag, replaced == nullptr ? "" : replaced->etag());
  if (!status.ok()) return status;
  status =
      CheckQuota(context.registry.schemes().size(), replaced, scheme, context.limits.tenant_schemes, context, "scheme");
  if (!status.ok()) return status;
  return change;
}

absl::StatusOr<v1::RegistryChange> DeleteScheme(const std::string& name, const std::string& etag,
                                                const RegistrationContext& context) {
  if (absl::Status status = CheckName(name, "name", context.limits); !status.ok()) return status;
  const v1::Scheme* scheme = context.registry.FindScheme(name);
  if (scheme == nullptr) {
    if (const Catalog* catalog = CatalogWithScheme(context, name)) return BuiltinReadOnly("name", name, *catalog);
    std::vector<absl::string_view> names;
    for (const auto& known : context.registry.schemes()) names.push_back(known->name());
    Error error(v1::ERROR_REASON_SCHEME_NOT_FOUND);
    error.Field("name").Value(name).NearestOf(names);
    if (!names.empty()) error.Allowed(names);
    return error.ToStatus("the tenant has no scheme of this name");
  }
  if (absl::Status status = CheckEtag(etag, scheme->etag()); !status.ok()) return status;
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
  absl::Status status = CheckShape(entry, context.limits);
  if (status.ok()) status = CompleteAlgorithms(context, entry);
  if (status.ok()) status = CheckEntryBytes(entry.ByteSizeLong(), context.limits, "llm_template");
  if (!status.ok()) return status;
  if (replaced != nullptr && !conditions.may_replace) {
    return Error(v1::ERROR_REASON_TEMPLATE_EXISTS)
        .Field("llm_template.model_type")
        .Value(entry.model_type())
        .ToStatus("the tenant has a template for this model type, and `must_be_new` is set");
  }
  status = CheckEtag(conditions.etag, replaced == nullptr ? "" : replaced->etag());
  if (!status.ok()) return status;
  status = CheckQuota(context.registry.templates().size(), replaced, entry, context.limits.tenant_templates, context,
                      "llm_template");
  if (!status.ok()) return status;
  return change;
}

absl::StatusOr<v1::RegistryChange> DeleteTemplate(const std::string& model_type, const std::string& etag,
                                                  const RegistrationContext& context) {
  if (absl::Status status = CheckName(model_type, "model_type", context.limits); !status.ok()) return status;
  const v1::LlmTemplate* entry = context.registry.FindTemplate(model_type);
  if (entry == nullptr) {
    if (const Catalog* catalog = CatalogWithTemplate(context, model_type)) {
      return BuiltinReadOnly("model_type", model_type, *catalog);
    }
    std::vector<absl::string_view> names;
    for (const auto& known : context.registry.templates()) names.push_back(known->model_type());
    Error error(v1::ERROR_REASON_TEMPLATE_NOT_FOUND);
    error.Field("model_type").Value(model_type).NearestOf(names);
    if (!names.empty()) error.Allowed(names);
    return error.ToStatus("the tenant has no template for this model type");
  }
  if (absl::Status status = CheckEtag(etag, entry->etag()); !status.ok()) return status;
  v1::RegistryChange change;
  change.mutable_delete_template()->set_model_type(model_type);
  change.mutable_delete_template()->set_etag(entry->etag());
  return change;
}

absl::StatusOr<v1::RegistryChange> ChangeDefaultCatalog(const std::string& catalog, int64_t expected_revision,
                                                        const RegistrationContext& context) {
  if (absl::Status status = CheckName(catalog, "catalog", context.limits); !status.ok()) return status;
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
        .Revisions(0, newest)  // the oldest one is not known here
        .ToStatus(absl::StrCat("the tenant's registry is at revision ", newest));
  }
  v1::RegistryChange change;
  if (catalog != context.registry.default_catalog()) change.set_set_default_catalog(catalog);
  return change;
}

}  // namespace qconfig
