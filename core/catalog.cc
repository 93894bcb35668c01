// SPDX-License-Identifier: Apache-2.0
#include "core/catalog.h"

#include "core/error.h"

namespace qconfig {
namespace {

template <typename Entry>
const Entry* Find(const std::vector<Entry>& entries, const absl::flat_hash_map<std::string, size_t>& index,
                  absl::string_view name) {
  const auto it = index.find(name);
  return it == index.end() ? nullptr : &entries[it->second];
}

}  // namespace

const v1::Scheme* Catalog::FindScheme(absl::string_view name) const { return Find(schemes_, scheme_index_, name); }

const v1::LlmTemplate* Catalog::FindTemplate(absl::string_view model_type) const {
  return Find(templates_, template_index_, model_type);
}

const ConfigClass* Catalog::FindAlgorithm(absl::string_view lower_case_name) const {
  const auto* field = v1::AlgoConfig::descriptor()->FindFieldByName(std::string(lower_case_name));
  return field == nullptr ? nullptr : FindConfigClass(*field->message_type());
}

const ConfigClass* Catalog::FindConfigClass(const google::protobuf::Descriptor& type) const {
  const auto it = config_classes_.find(&type);
  return it == config_classes_.end() ? nullptr : &it->second;
}

const std::vector<std::string>& Catalog::observers() const { return tensor_vocabulary_.observers.find("all")->second; }

const SpecClass* Catalog::FindSpecClass(absl::string_view name) const {
  for (const SpecClass& spec : spec_classes_) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

absl::Status CatalogNotFound(absl::string_view name, const Catalogs& catalogs, absl::string_view problem,
                             absl::string_view advice) {
  std::vector<absl::string_view> names;
  names.reserve(catalogs.size());
  for (const auto& catalog : catalogs) names.push_back(catalog->name());
  return Error(v1::ERROR_REASON_CATALOG_NOT_FOUND)
      .Field("catalog")
      .Value(name)
      .Suggest(NameKind::kCatalog, names)
      .Allowed(names)
      .Advice(advice)
      .ToStatus(problem);
}

}  // namespace qconfig
