// SPDX-License-Identifier: Apache-2.0
#include "core/snapshot.h"

#include "core/error.h"

namespace qconfig {

absl::StatusOr<const v1::Scheme*> Snapshot::FindScheme(absl::string_view name, absl::string_view field) const {
  const v1::Scheme* scheme = catalog_->FindScheme(name);
  if (scheme != nullptr) return scheme;
  std::vector<absl::string_view> names;
  for (const v1::Scheme& known : schemes()) names.push_back(known.name());
  return Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
      .Field(field)
      .Value(name)
      .NearestOf(names)
      .Allowed(names)
      .Catalog(catalog_->name())
      .Because("no scheme has this name");
}

absl::StatusOr<const v1::LlmTemplate*> Snapshot::FindTemplate(absl::string_view model_type,
                                                              absl::string_view field) const {
  const v1::LlmTemplate* entry = catalog_->FindTemplate(model_type);
  if (entry != nullptr) return entry;
  std::vector<absl::string_view> names;
  for (const v1::LlmTemplate& known : templates()) names.push_back(known.model_type());
  return Error(v1::ERROR_REASON_TEMPLATE_NOT_FOUND)
      .Field(field)
      .Value(model_type)
      .NearestOf(names)
      .Allowed(names)
      .Catalog(catalog_->name())
      .Because("no template is for this model type");
}

}  // namespace qconfig
