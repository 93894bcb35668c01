// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_REGISTRY_CACHE_H_
#define QCONFIG_SERVER_REGISTRY_REGISTRY_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/tenant_id.h"
#include "server/base/clock.h"
#include "server/base/lru_cache.h"
#include "server/registry/registry_view.h"
#include "server/registry/shared_loads.h"
#include "server/registry/storage/registry_store.h"

namespace qconfig {

// Keeps recently used registries in memory, and loads the others from the store. Thread-safe.
class RegistryCache {
 public:
  using View = std::shared_ptr<const RegistryView>;
  using ChangeListener = std::function<void(const TenantId&)>;

  // Views have snapshots for `catalogs` catalogues, and take at most `max_bytes` together. Up to `max_waiting_calls`
  // wait for registries to load. A registry is not loaded, and the call fails, if `admit_load` fails. `on_change` is
  // called when a tenant's newest registry may have changed, before any call can see the change. It is called under a
  // lock and must not call back. `store` must outlive the cache.
  RegistryCache(RegistryStore& store, size_t catalogs, size_t max_bytes, ChangeListener on_change,
                size_t max_waiting_calls = 128, Clock clock = Clock(),
                std::function<absl::Status()> admit_load = absl::OkStatus);

  // The registry at `revision`; 0: at the newest revision. A tenant without writes has revision 1.
  // Errors are those of RegistryStore::Load() and of SharedLoads::Get().
  absl::StatusOr<View> Get(const TenantId& tenant, int64_t revision, absl::Duration deadline = absl::InfiniteDuration())
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The newest registry in the store, whatever is cached.
  absl::StatusOr<View> Reload(const TenantId& tenant, absl::Duration deadline = absl::InfiniteDuration())
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The revisions of the tenant's registry, from the store if they are not cached.
  absl::StatusOr<RevisionRange> Revisions(const TenantId& tenant) ABSL_LOCKS_EXCLUDED(mutex_);

  // Makes `state`, which was just committed to the store, the newest registry, unless a newer one is cached.
  // `range` is the result of the commit.
  void Add(const TenantId& tenant, const RevisionRange& range, RegistryState state) ABSL_LOCKS_EXCLUDED(mutex_);

  // Call this when the outcome of a write is not known: the next Get() of the newest registry then reads the store.
  // Loads that have already begun are repeated.
  void Forget(const TenantId& tenant) ABSL_LOCKS_EXCLUDED(mutex_);

  // Drops all registries from memory, which can be loaded again.
  void Clear() ABSL_LOCKS_EXCLUDED(mutex_);

  // The number of tenants with cached revisions, and the memory of the cached registries.
  size_t tenants() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // What Find() found in memory.
  struct Found {
    bool knows_tenant = false;
    View view;  // null: not cached
  };

  View MakeView(RegistryState state) const;
  // Get() without sharing the load.
  absl::StatusOr<View> Load(const TenantId& tenant, int64_t revision, absl::Duration deadline)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<RegistryState> Read(const TenantId& tenant, int64_t revision, absl::Duration deadline);
  // Fails if the cached revisions show that `revision` cannot be read.
  absl::StatusOr<Found> Find(const TenantId& tenant, int64_t revision) ABSL_LOCKS_EXCLUDED(mutex_);
  // Caches `view`, and makes it the newest unless a newer one is cached. Does nothing and returns false if Forget() was
  // called since `generation`.
  bool Publish(const TenantId& tenant, const RevisionRange& range, View view, std::optional<int64_t> generation)
      ABSL_LOCKS_EXCLUDED(mutex_);

  RegistryStore& store_;
  const size_t catalogs_;
  const ChangeListener on_change_;
  const std::function<absl::Status()> admit_load_;
  const View never_written_;
  SharedLoads loads_;
  mutable absl::Mutex mutex_;
  int64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;  // how often Forget() was called
  // The revisions of the tenants that were read or written, as of the last commit.
  absl::flat_hash_map<std::string, RevisionRange> ranges_ ABSL_GUARDED_BY(mutex_);
  LruCache<View> views_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_REGISTRY_CACHE_H_
