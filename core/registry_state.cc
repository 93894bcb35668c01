// SPDX-License-Identifier: Apache-2.0
#include "core/registry_state.h"

#include <utility>

namespace qconfig {
namespace {

using Index = absl::flat_hash_map<absl::string_view, size_t>;

template <typename Entry>
using Entries = std::vector<std::shared_ptr<const Entry>>;

const std::string& EntryName(const v1::Scheme& scheme) { return scheme.name(); }
const std::string& EntryName(const v1::LlmTemplate& entry) { return entry.model_type(); }

template <typename Entry>
const Entry* Find(const Entries<Entry>& entries, const Index& index, absl::string_view name) {
  const auto it = index.find(name);
  return it == index.end() ? nullptr : entries[it->second].get();
}

// Add the size of `entry` to that of a state, or subtract it.
template <typename Size>
void Add(const google::protobuf::Message& entry, Size& size) {
  size.bytes += entry.ByteSizeLong();
  size.memory_bytes += entry.SpaceUsedLong();
}
template <typename Size>
void Subtract(const google::protobuf::Message& entry, Size& size) {
  size.bytes -= entry.ByteSizeLong();
  size.memory_bytes -= entry.SpaceUsedLong();
}

// Replaces the entry with the name of `entry`, or appends it.
template <typename Entry, typename Size>
void Put(std::shared_ptr<const Entry> entry, Entries<Entry>& entries, Index& index, Size& size) {
  Add(*entry, size);
  size_t place = entries.size();
  if (const auto it = index.find(EntryName(*entry)); it != index.end()) {
    place = it->second;
    Subtract(*entries[place], size);
    index.erase(it);  // its key is a view into the replaced entry
    entries[place] = std::move(entry);
  } else {
    entries.push_back(std::move(entry));
  }
  index[EntryName(*entries[place])] = place;
}

template <typename Entry, typename Size>
void Delete(const std::string& name, Entries<Entry>& entries, Index& index, Size& size) {
  const auto it = index.find(name);
  if (it == index.end()) return;
  const size_t place = it->second;
  Subtract(*entries[place], size);
  index.erase(it);
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(place));
  for (size_t i = place; i < entries.size(); ++i) index[EntryName(*entries[i])] = i;
}

}  // namespace

RegistryState::RegistryState(int64_t revision, std::string default_catalog, Schemes schemes, Templates templates)
    : revision_(revision), default_catalog_(std::move(default_catalog)) {
  schemes_.reserve(schemes.size());
  scheme_index_.reserve(schemes.size());
  for (auto& scheme : schemes) Put(std::move(scheme), schemes_, scheme_index_, size_);
  templates_.reserve(templates.size());
  template_index_.reserve(templates.size());
  for (auto& entry : templates) Put(std::move(entry), templates_, template_index_, size_);
}

const v1::Scheme* RegistryState::FindScheme(absl::string_view name) const {
  return Find(schemes_, scheme_index_, name);
}

const v1::LlmTemplate* RegistryState::FindTemplate(absl::string_view model_type) const {
  return Find(templates_, template_index_, model_type);
}

RegistryState RegistryState::After(const v1::ChangeRecord& record) const {
  RegistryState state = *this;
  state.revision_ = record.revision();
  for (const v1::RegistryChange& change : record.changes()) {
    switch (change.change_case()) {
      case v1::RegistryChange::kPutScheme:
        Put(std::make_shared<const v1::Scheme>(change.put_scheme()), state.schemes_, state.scheme_index_, state.size_);
        break;
      case v1::RegistryChange::kDeleteScheme:
        Delete(change.delete_scheme().name(), state.schemes_, state.scheme_index_, state.size_);
        break;
      case v1::RegistryChange::kPutTemplate:
        Put(std::make_shared<const v1::LlmTemplate>(change.put_template()), state.templates_, state.template_index_,
            state.size_);
        break;
      case v1::RegistryChange::kDeleteTemplate:
        Delete(change.delete_template().model_type(), state.templates_, state.template_index_, state.size_);
        break;
      case v1::RegistryChange::kSetDefaultCatalog:
        state.default_catalog_ = change.set_default_catalog();
        break;
      case v1::RegistryChange::CHANGE_NOT_SET:
        break;
    }
  }
  return state;
}

}  // namespace qconfig
