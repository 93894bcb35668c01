// SPDX-License-Identifier: Apache-2.0
#include "server/registry/registry_cache.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {
namespace {

size_t EstimateMemory(const RegistryState& state, size_t catalogs) {
  constexpr size_t kIndexPerEntry = 128;
  constexpr size_t kPerSnapshot = 1024;
  const size_t entries = state.schemes().size() + state.templates().size();
  const size_t snapshots = catalogs * (kPerSnapshot + entries * sizeof(void*));
  return state.memory_bytes() + entries * kIndexPerEntry + snapshots;
}

std::string ViewKey(const TenantId& tenant, int64_t revision) { return absl::StrCat(tenant.name(), "@", revision); }

}  // namespace

RegistryCache::RegistryCache(RegistryStore& store, size_t catalogs, size_t max_bytes, ChangeListener on_change,
                             size_t max_waiting_calls, Clock clock, std::function<absl::Status()> admit_load)
    : store_(store),
      catalogs_(catalogs),
      on_change_([this, on_change = std::move(on_change)](const TenantId& tenant) {
        loads_.Outdate(tenant);
        on_change(tenant);
      }),
      admit_load_(std::move(admit_load)),
      never_written_(MakeView(RegistryState())),
      loads_(max_waiting_calls, std::move(clock)),
      views_(max_bytes) {}

RegistryCache::View RegistryCache::MakeView(RegistryState state) const {
  return std::make_shared<const RegistryView>(std::move(state), catalogs_);
}

absl::StatusOr<RegistryCache::Found> RegistryCache::Find(const TenantId& tenant, int64_t revision) {
  absl::MutexLock lock(&mutex_);
  const auto range = ranges_.find(tenant.name());
  if (range == ranges_.end()) return Found();
  if (revision == 0) revision = range->second.newest;
  // A revision that is stored but not cached yet is in the future: if a call saw it, a later one could see an older
  // one.
  if (absl::Status readable = CheckReadable(tenant, range->second, revision); !readable.ok()) return readable;
  const View* view = views_.Find(ViewKey(tenant, revision));
  return Found{true, view == nullptr ? nullptr : *view};
}

absl::StatusOr<RegistryCache::View> RegistryCache::Get(const TenantId& tenant, int64_t revision,
                                                       absl::Duration deadline) {
  auto found = Find(tenant, revision);
  if (!found.ok()) return found.status();
  if (found->view != nullptr) return found->view;
  return loads_.Get(tenant, revision, deadline, [&] { return Load(tenant, revision, deadline); });
}

absl::StatusOr<RegistryCache::View> RegistryCache::Load(const TenantId& tenant, int64_t revision,
                                                        absl::Duration deadline) {
  auto found = Find(tenant, revision);
  if (!found.ok()) return found.status();
  if (found->view != nullptr) return found->view;  // another call loaded it in the meantime
  if (!found->knows_tenant || revision == 0) {
    auto newest = revision == 0 ? Reload(tenant, deadline) : Get(tenant, 0, deadline);
    if (!newest.ok() || revision == 0 || (*newest)->state()->revision() == revision) return newest;
    found = Find(tenant, revision);
    if (!found.ok()) return found.status();
    if (found->view != nullptr) return found->view;
  }
  auto state = Read(tenant, revision, deadline);
  if (!state.ok()) return state.status();
  View view = MakeView(*std::move(state));
  const size_t bytes = EstimateMemory(*view->state(), catalogs_);
  std::vector<View> evicted;  // destroyed after the lock is released
  absl::MutexLock lock(&mutex_);
  evicted = views_.Put(ViewKey(tenant, revision), view, bytes);
  return view;
}

absl::StatusOr<RegistryState> RegistryCache::Read(const TenantId& tenant, int64_t revision, absl::Duration deadline) {
  if (absl::Status admitted = admit_load_(); !admitted.ok()) return admitted;
  const auto reading = loads_.EnterRead(tenant, deadline);
  if (!reading.ok()) return reading.status();
  return store_.Load(tenant, revision);
}

absl::StatusOr<RegistryCache::View> RegistryCache::Reload(const TenantId& tenant, absl::Duration deadline) {
  while (true) {
    int64_t generation = 0;
    {
      absl::MutexLock lock(&mutex_);
      generation = generation_;
    }
    const auto range = store_.Revisions(tenant);
    if (!range.ok()) return range.status();
    // A tenant without writes is not cached, so that reading unknown tenants takes no memory.
    if (range->newest == never_written_->state()->revision()) return never_written_;
    auto state = Read(tenant, range->newest, deadline);
    // The history limits were reached between the two reads.
    if (ItemErrorOf(state.status()).reason() == v1::ERROR_REASON_REVISION_COMPACTED) continue;
    if (!state.ok()) return state.status();
    View view = MakeView(*std::move(state));
    if (Publish(tenant, *range, view, generation)) return view;
  }
}

bool RegistryCache::Publish(const TenantId& tenant, const RevisionRange& range, View view,
                            std::optional<int64_t> generation) {
  const int64_t revision = view->state()->revision();
  const size_t bytes = EstimateMemory(*view->state(), catalogs_);
  std::vector<View> superseded, evicted;  // destroyed after the lock is released
  absl::MutexLock lock(&mutex_);
  if (generation.has_value() && *generation != generation_) return false;
  RevisionRange& known = ranges_[tenant.name()];
  if (known.newest < revision) {
    on_change_(tenant);
    // The revision before the newest is rarely read, and would only evict other tenants.
    superseded = views_.Erase(ViewKey(tenant, known.newest));
  }
  if (known.newest <= revision) known = range;
  evicted = views_.Put(ViewKey(tenant, revision), std::move(view), bytes);
  return true;
}

absl::StatusOr<RevisionRange> RegistryCache::Revisions(const TenantId& tenant) {
  {
    absl::MutexLock lock(&mutex_);
    if (const auto it = ranges_.find(tenant.name()); it != ranges_.end()) return it->second;
  }
  return store_.Revisions(tenant);
}

void RegistryCache::Add(const TenantId& tenant, const RevisionRange& range, RegistryState state) {
  Publish(tenant, range, MakeView(std::move(state)), std::nullopt);
}

void RegistryCache::Forget(const TenantId& tenant) {
  absl::MutexLock lock(&mutex_);
  ++generation_;
  on_change_(tenant);
  ranges_.erase(tenant.name());
}

void RegistryCache::Clear() {
  std::vector<View> dropped;  // destroyed after the lock is released
  absl::MutexLock lock(&mutex_);
  dropped = views_.ShrinkTo(0);
}

size_t RegistryCache::tenants() const {
  absl::MutexLock lock(&mutex_);
  return ranges_.size();
}

size_t RegistryCache::bytes() const {
  absl::MutexLock lock(&mutex_);
  return views_.bytes();
}

}  // namespace qconfig
