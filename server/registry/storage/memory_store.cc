// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/memory_store.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <utility>

namespace qconfig {
namespace {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

// A version of an entry, visible from revision `since` up to and excluding `until`.
template <typename Value>
struct Version {
  int64_t since;
  int64_t until;
  std::shared_ptr<const Value> value;
};

// In the order of RegistryState; the versions of one entry are adjacent.
template <typename Value>
using Versions = std::vector<Version<Value>>;

const std::string& EntryName(const v1::Scheme& scheme) { return scheme.name(); }
const std::string& EntryName(const v1::LlmTemplate& model) { return model.model_type(); }

template <typename Value>
auto FindCurrent(Versions<Value>& versions, const std::string& name) {
  return std::find_if(versions.begin(), versions.end(), [&name](const Version<Value>& version) {
    return version.until == kForever && EntryName(*version.value) == name;
  });
}

int64_t Bytes(const google::protobuf::Message& entry) { return static_cast<int64_t>(entry.ByteSizeLong()); }
int64_t Bytes(const std::string& catalog) { return static_cast<int64_t>(catalog.size()); }

template <typename Value>
void Put(Versions<Value>& versions, int64_t revision, const Value& value, EntryBytes& bytes) {
  auto place = FindCurrent(versions, EntryName(value));
  if (place != versions.end()) {
    bytes.End(Bytes(*place->value));
    place->until = revision;
    ++place;
  }
  bytes.current += Bytes(value);
  versions.insert(place, {revision, kForever, std::make_shared<const Value>(value)});
}

template <typename Value>
void Delete(Versions<Value>& versions, int64_t revision, const std::string& name, EntryBytes& bytes) {
  const auto version = FindCurrent(versions, name);
  if (version == versions.end()) return;
  bytes.End(Bytes(*version->value));
  version->until = revision;
}

// The size of the versions that `revision` replaced or removed.
template <typename Value>
int64_t BytesUntil(const Versions<Value>& versions, int64_t revision) {
  int64_t bytes = 0;
  for (const Version<Value>& version : versions) bytes += version.until == revision ? Bytes(*version.value) : 0;
  return bytes;
}

// Drops versions that are not visible at `first` or later.
template <typename Value>
void Forget(Versions<Value>& versions, int64_t first) {
  const auto is_gone = [first](const Version<Value>& version) { return version.until <= first; };
  versions.erase(std::remove_if(versions.begin(), versions.end(), is_gone), versions.end());
}

template <typename Value>
std::vector<std::shared_ptr<const Value>> At(const Versions<Value>& versions, int64_t revision) {
  std::vector<std::shared_ptr<const Value>> values;
  for (const Version<Value>& version : versions) {
    if (version.since <= revision && revision < version.until) values.push_back(version.value);
  }
  return values;
}

// The revision, up to `revision`, at which the entry was last replaced or removed. 0: there is none.
template <typename Value>
int64_t RemovedAt(const Versions<Value>& versions, const std::string& name, int64_t revision) {
  int64_t last = 0;
  for (const Version<Value>& version : versions) {
    if (version.until <= revision && EntryName(*version.value) == name) last = std::max(last, version.until);
  }
  return last;
}

}  // namespace

struct MemoryStore::Registry {
  RevisionRange range;                                        // `next` is set by GetRange()
  std::deque<std::shared_ptr<const RegistryCommit>> commits;  // of the revisions after range.first
  Versions<v1::Scheme> schemes;
  Versions<v1::LlmTemplate> templates;
  Versions<std::string> default_catalogs;
  int64_t history_bytes = 0;  // of the records of `commits`
  EntryBytes entry_bytes;

  bool HasRequest(const std::string& request_id) const { return FindRequest(request_id) != nullptr; }
  const RegistryCommit* FindRequest(const std::string& request_id) const {
    for (const auto& commit : commits) {
      if (!request_id.empty() && commit->record.request_id() == request_id) return commit.get();
    }
    return nullptr;
  }

  // The first default catalogue that the first write sets also applies to revision 1.
  void SetDefaultCatalog(int64_t revision, const std::string& catalog) {
    const bool is_first = range.newest == 1 && default_catalogs.empty();
    if (!default_catalogs.empty()) {
      entry_bytes.End(Bytes(*default_catalogs.back().value));
      default_catalogs.back().until = revision;
    }
    entry_bytes.current += Bytes(catalog);
    default_catalogs.push_back({is_first ? 1 : revision, kForever, std::make_shared<const std::string>(catalog)});
  }

  void Apply(const v1::ChangeRecord& record) {
    const int64_t revision = record.revision();
    for (const v1::RegistryChange& change : record.changes()) {
      switch (change.change_case()) {
        case v1::RegistryChange::kPutScheme:
          Put(schemes, revision, change.put_scheme(), entry_bytes);
          break;
        case v1::RegistryChange::kDeleteScheme:
          Delete(schemes, revision, change.delete_scheme().name(), entry_bytes);
          break;
        case v1::RegistryChange::kPutTemplate:
          Put(templates, revision, change.put_template(), entry_bytes);
          break;
        case v1::RegistryChange::kDeleteTemplate:
          Delete(templates, revision, change.delete_template().model_type(), entry_bytes);
          break;
        case v1::RegistryChange::kSetDefaultCatalog:
          SetDefaultCatalog(revision, change.set_default_catalog());
          break;
        case v1::RegistryChange::CHANGE_NOT_SET:
          break;
      }
    }
  }

  void ForgetHistory(const HistoryLimits& limits) {
    const std::shared_ptr<const RegistryCommit> newest = commits.back();
    history_bytes += Bytes(newest->record);
    HistoryRemoval removal(limits, *newest, static_cast<int64_t>(commits.size()), history_bytes, entry_bytes.all());
    while (!commits.empty() && removal.Remove(HistoryTime(commits.front()->record), Bytes(commits.front()->record))) {
      range.first = commits.front()->record.revision();
      const int64_t dropped = BytesUntil(schemes, range.first) + BytesUntil(templates, range.first) +
                              BytesUntil(default_catalogs, range.first);
      removal.DropVersions(dropped);
      entry_bytes.earlier -= dropped;
      commits.pop_front();
    }
    history_bytes = removal.bytes();
    Forget(schemes, range.first);
    Forget(templates, range.first);
    Forget(default_catalogs, range.first);
  }
};

MemoryStore::MemoryStore(const HistoryLimits& history, Clock clock) : history_(history), clock_(std::move(clock)) {}
MemoryStore::~MemoryStore() = default;

const MemoryStore::Registry& MemoryStore::Find(const TenantId& tenant) const {
  static const auto* const kNeverWritten = new Registry();
  const auto it = registries_.find(tenant.name());
  return it == registries_.end() ? *kNeverWritten : it->second;
}

RevisionRange MemoryStore::GetRange(const Registry& registry) const {
  RevisionRange range = registry.range;
  SetNext(range, epoch_);
  return range;
}

absl::StatusOr<int64_t> MemoryStore::BeginEpoch() {
  const absl::MutexLock lock(&mutex_);
  int64_t used = epoch_;
  for (const auto& [name, registry] : registries_) used = std::max(used, registry.range.newest);
  epoch_ = FirstOfEpoch(clock_.Now(), used);
  return epoch_;
}

absl::StatusOr<RevisionRange> MemoryStore::Commit(const TenantId& tenant, const RegistryCommit& commit) {
  auto stored = std::make_shared<const RegistryCommit>(commit);
  const absl::MutexLock lock(&mutex_);
  const Registry& known = Find(tenant);
  RevisionRange range = GetRange(known);
  if (commit.record.revision() != range.next) return Conflict(tenant, range.next);
  if (known.HasRequest(commit.record.request_id())) return RequestIdTaken(tenant, commit.record.request_id());
  const absl::Status quota = CheckTenantBytes(tenant, commit.record, known.entry_bytes.current, history_);
  if (!quota.ok()) return quota;
  Registry& registry = registries_[tenant.name()];
  registry.Apply(commit.record);
  registry.commits.push_back(std::move(stored));
  AddRevision(range, HistoryTime(commit.record));
  registry.range = std::move(range);
  registry.ForgetHistory(history_);
  ++writes_;
  range = GetRange(registry);
  range.disk_bytes = registry.history_bytes + registry.entry_bytes.all();
  return range;
}

absl::StatusOr<RevisionRange> MemoryStore::Revisions(const TenantId& tenant) const {
  const absl::MutexLock lock(&mutex_);
  return GetRange(Find(tenant));
}

absl::StatusOr<RegistryState> MemoryStore::Load(const TenantId& tenant, int64_t revision) const {
  const absl::MutexLock lock(&mutex_);
  const Registry& registry = Find(tenant);
  if (revision == 0) revision = registry.range.newest;
  if (absl::Status readable = CheckReadable(tenant, GetRange(registry), revision); !readable.ok()) return readable;
  const auto default_catalogs = At(registry.default_catalogs, revision);
  return RegistryState(revision, default_catalogs.empty() ? "" : *default_catalogs.back(),
                       At(registry.schemes, revision), At(registry.templates, revision));
}

absl::StatusOr<std::vector<v1::ChangeRecord>> MemoryStore::ChangesSince(const TenantId& tenant, int64_t revision,
                                                                        size_t max_changes) const {
  const absl::MutexLock lock(&mutex_);
  const Registry& registry = Find(tenant);
  if (absl::Status readable = CheckReadable(tenant, GetRange(registry), revision); !readable.ok()) return readable;
  std::vector<v1::ChangeRecord> changes;
  for (auto i = static_cast<size_t>(WritesBetween(registry.range, registry.range.first, revision));
       i < registry.commits.size() && changes.size() < max_changes; ++i) {
    changes.push_back(registry.commits[i]->record);
  }
  return changes;
}

absl::StatusOr<std::optional<RegistryCommit>> MemoryStore::FindRequest(const TenantId& tenant,
                                                                       const std::string& request_id) const {
  const absl::MutexLock lock(&mutex_);
  const RegistryCommit* commit = Find(tenant).FindRequest(request_id);
  return commit == nullptr ? std::nullopt : std::optional<RegistryCommit>(*commit);
}

absl::StatusOr<int64_t> MemoryStore::LastRevisionWith(const TenantId& tenant, EntryType type, const std::string& name,
                                                      int64_t revision) const {
  const absl::MutexLock lock(&mutex_);
  const Registry& registry = Find(tenant);
  const int64_t removed = type == EntryType::kScheme ? RemovedAt(registry.schemes, name, revision)
                                                     : RemovedAt(registry.templates, name, revision);
  return removed == 0 ? 0 : RevisionBefore(GetRange(registry), removed, 1);
}

int64_t MemoryStore::writes() const {
  const absl::MutexLock lock(&mutex_);
  return writes_;
}

int64_t MemoryStore::tenants() const {
  const absl::MutexLock lock(&mutex_);
  return static_cast<int64_t>(registries_.size());
}

}  // namespace qconfig
