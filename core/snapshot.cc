// SPDX-License-Identifier: Apache-2.0
#include "core/snapshot.h"

#include <string>
#include <utility>

#include "core/error.h"

namespace qconfig {
namespace {

// The catalogue's entries, hidden ones replaced by the tenant's, then the other entries of the tenant.
template <typename Entry, typename Own, typename Builtin>
std::vector<const Entry*> Overlay(const std::vector<Entry>& builtin,
                                  const std::vector<std::shared_ptr<const Entry>>& own, Own find_own,
                                  Builtin is_builtin) {
  std::vector<const Entry*> entries;
  entries.reserve(builtin.size() + own.size());
  for (const Entry& entry : builtin) {
    const Entry* hiding = own.empty() ? nullptr : find_own(entry);
    entries.push_back(hiding == nullptr ? &entry : hiding);
  }
  for (const auto& entry : own) {
    if (!is_builtin(*entry)) entries.push_back(entry.get());
  }
  return entries;
}

template <typename Entry>
std::vector<absl::string_view> Names(const std::vector<const Entry*>& entries,
                                     const std::string& (Entry::*name)() const) {
  std::vector<absl::string_view> names;
  names.reserve(entries.size());
  for (const Entry* entry : entries) names.push_back((entry->*name)());
  return names;
}

}  // namespace

Snapshot::Snapshot(std::shared_ptr<const qconfig::Catalog> catalog, std::shared_ptr<const RegistryState> registry,
                   Catalogs catalogs)
    : catalog_(std::move(catalog)),
      registry_(std::move(registry)),
      catalogs_(std::move(catalogs)),
      schemes_(Overlay(
          catalog_->schemes(), registry_->schemes(),
          [this](const v1::Scheme& scheme) { return registry_->FindScheme(scheme.name()); },
          [this](const v1::Scheme& scheme) { return catalog_->FindScheme(scheme.name()) != nullptr; })),
      templates_(Overlay(
          catalog_->templates(), registry_->templates(),
          [this](const v1::LlmTemplate& entry) { return registry_->FindTemplate(entry.model_type()); },
          [this](const v1::LlmTemplate& entry) { return catalog_->FindTemplate(entry.model_type()) != nullptr; })) {}

absl::StatusOr<const v1::Scheme*> Snapshot::FindScheme(absl::string_view name, absl::string_view field) const {
  const v1::Scheme* scheme = registry_->FindScheme(name);
  if (scheme == nullptr) scheme = catalog_->FindScheme(name);
  if (scheme != nullptr) return scheme;
  const std::vector<absl::string_view> names = Names(schemes_, &v1::Scheme::name);
  const auto catalog_of = [this](absl::string_view other) {
    return OtherCatalogWith(catalogs_, *catalog_, [other](const auto& c) { return c.FindScheme(other) != nullptr; });
  };
  return Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
      .Field(field)
      .Value(name)
      .Suggest(NameKind::kScheme, names, catalog_of)
      .Allowed(names)
      .Catalog(catalog_->name())
      .Advice("ListSchemes (`qconfigctl list schemes`) lists all schemes")
      .ToStatus("no scheme has this name");
}

absl::StatusOr<const v1::LlmTemplate*> Snapshot::FindTemplate(absl::string_view model_type,
                                                              absl::string_view field) const {
  const v1::LlmTemplate* entry = registry_->FindTemplate(model_type);
  if (entry == nullptr) entry = catalog_->FindTemplate(model_type);
  if (entry != nullptr) return entry;
  const std::vector<absl::string_view> names = Names(templates_, &v1::LlmTemplate::model_type);
  const auto catalog_of = [this](absl::string_view other) {
    return OtherCatalogWith(catalogs_, *catalog_, [other](const auto& c) { return c.FindTemplate(other) != nullptr; });
  };
  return Error(v1::ERROR_REASON_TEMPLATE_NOT_FOUND)
      .Field(field)
      .Value(model_type)
      .Suggest(NameKind::kTemplate, names, catalog_of)
      .Allowed(names)
      .Catalog(catalog_->name())
      .Advice(
          "The model type is `model_type` in the model's config.json. ListTemplates (`qconfigctl list templates`) "
          "lists all templates. To add one, save that of a similar model (GetTemplate, `qconfigctl describe "
          "template MODEL_TYPE -o json > FILE`), edit model_type and the names of modules, and register it "
          "(RegisterTemplate, `qconfigctl register template -f FILE`)")
      .ToStatus("no template has this model type");
}

}  // namespace qconfig
