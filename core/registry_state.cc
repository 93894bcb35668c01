// SPDX-License-Identifier: Apache-2.0
#include "core/registry_state.h"

#include <utility>

namespace qconfig {
namespace {

template <typename Entry>
const Entry* Find(const std::vector<std::shared_ptr<const Entry>>& entries,
                  const absl::flat_hash_map<absl::string_view, size_t>& index, absl::string_view name) {
  const auto it = index.find(name);
  return it == index.end() ? nullptr : entries[it->second].get();
}

// Puts `entry` in the place of the one that has its `name`, or at the end.
template <typename Entry>
void Put(std::vector<std::shared_ptr<const Entry>>& entries, const Entry& entry,
         const std::string& (Entry::*name)() const) {
  auto stored = std::make_shared<const Entry>(entry);
  for (auto& known : entries) {
    if (((*known).*name)() == (entry.*name)()) {
      known = std::move(stored);
      return;
    }
  }
  entries.push_back(std::move(stored));
}

template <typename Entry>
void Delete(std::vector<std::shared_ptr<const Entry>>& entries, const std::string& deleted,
            const std::string& (Entry::*name)() const) {
  for (auto it = entries.begin(); it != entries.end(); ++it) {
    if (((**it).*name)() == deleted) {
      entries.erase(it);
      return;
    }
  }
}

}  // namespace

RegistryState::RegistryState(int64_t revision, std::string default_catalog, Schemes schemes, Templates templates)
    : revision_(revision),
      default_catalog_(std::move(default_catalog)),
      schemes_(std::move(schemes)),
      templates_(std::move(templates)) {
  scheme_index_.reserve(schemes_.size());
  for (size_t i = 0; i < schemes_.size(); ++i) {
    scheme_index_[schemes_[i]->name()] = i;
    bytes_ += schemes_[i]->ByteSizeLong();
  }
  template_index_.reserve(templates_.size());
  for (size_t i = 0; i < templates_.size(); ++i) {
    template_index_[templates_[i]->model_type()] = i;
    bytes_ += templates_[i]->ByteSizeLong();
  }
}

const v1::Scheme* RegistryState::FindScheme(absl::string_view name) const {
  return Find(schemes_, scheme_index_, name);
}

const v1::LlmTemplate* RegistryState::FindTemplate(absl::string_view model_type) const {
  return Find(templates_, template_index_, model_type);
}

RegistryState RegistryState::After(const v1::ChangeRecord& record) const {
  std::string default_catalog = default_catalog_;
  Schemes schemes = schemes_;
  Templates templates = templates_;
  for (const v1::RegistryChange& change : record.changes()) {
    switch (change.change_case()) {
      case v1::RegistryChange::kPutScheme:
        Put(schemes, change.put_scheme(), &v1::Scheme::name);
        break;
      case v1::RegistryChange::kDeleteScheme:
        Delete(schemes, change.delete_scheme().name(), &v1::Scheme::name);
        break;
      case v1::RegistryChange::kPutTemplate:
        Put(templates, change.put_template(), &v1::LlmTemplate::model_type);
        break;
      case v1::RegistryChange::kDeleteTemplate:
        Delete(templates, change.delete_template().model_type(), &v1::LlmTemplate::model_type);
        break;
      case v1::RegistryChange::kSetDefaultCatalog:
        default_catalog = change.set_default_catalog();
        break;
      case v1::RegistryChange::CHANGE_NOT_SET:
        break;
    }
  }
  return RegistryState(record.revision(), std::move(default_catalog), std::move(schemes), std::move(templates));
}

}  // namespace qconfig
