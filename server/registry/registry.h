// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_REGISTRY_H_
#define QCONFIG_SERVER_REGISTRY_REGISTRY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/catalog.h"
#include "core/limits.h"
#include "core/registration.h"
#include "core/snapshot.h"
#include "core/tenant_id.h"
#include "server/base/clock.h"
#include "server/base/lru_cache.h"
#include "server/registry/storage/registry_store.h"

namespace qconfig {

// Which snapshot a call asks for.
struct SnapshotQuery {
  TenantId tenant;
  absl::string_view catalog;           // empty: the tenant's default. Must live as long as the query
  int64_t revision = 0;                // 0: the newest
  int64_t min_revision = 0;            // wait until the tenant's registry is there; 0: do not wait
  absl::Time deadline;                 // of the call; absl::InfiniteFuture() when it has none
  std::function<bool()> is_cancelled;  // whether the caller went away
};

// What a write is about, beside what it changes.
struct WriteOrder {
  TenantId tenant;
  std::string actor;
  std::string request_id;      // empty: none
  std::string request_digest;  // tells writes of one `request_id` apart
  bool validate_only = false;
  absl::Time deadline;
};

// A write that was made, now or by an earlier call with the same request id, or that could be made.
struct Written {
  int64_t revision = 1;                         // that it made; the current one if nothing was stored
  v1::RegistryChange change;                    // what it changed beside the tenant's default catalogue
  std::shared_ptr<const RegistryState> before;  // the registry that it changed
};

struct RegistrySettings {
  std::vector<std::shared_ptr<const Catalog>> catalogs;  // oldest release first
  std::string default_catalog;                           // of tenants that have none yet; one of `catalogs`
  Limits limits;
  size_t cache_bytes = 256u << 20;              // for registries that were read, in memory
  absl::Duration max_wait = absl::Seconds(30);  // for `min_revision`, when a call has no deadline
  size_t max_waiting_calls = 128;               // that wait for a `min_revision`; each keeps a thread
  size_t max_writing_calls = 128;               // that write or wait to, be the disk as slow as it may
  Clock clock;
  // Is told of a tenant whose registry may be another one from now on, before a call can see that. Must not call back.
  std::function<void(const TenantId&)> on_change = [](const TenantId&) {};
};

// The registries of all tenants, over the catalogues: snapshots to answer from, and writes. Keeps in memory what was
// read last, so that a call as a rule does not touch the store. A write is seen by every call that begins after it
// returned. Writes to one tenant are made one after the other. Thread-safe.
class Registry {
 public:
  // REQUIRES: nobody else writes to `store`, which must outlive the registry. If an epoch begins later, a tenant in
  // memory is in it only after the next write.
  Registry(RegistrySettings settings, RegistryStore& store);

  // Every catalogue, oldest release first.
  const std::vector<std::shared_ptr<const Catalog>>& catalogs() const { return settings_.catalogs; }

  // How long a call without a deadline waits for its `min_revision`.
  absl::Duration max_wait() const { return settings_.max_wait; }

  // CATALOG_NOT_FOUND: no catalogue of that name. REVISION_IN_FUTURE: the registry has not come to `revision`, or did
  // not come to `min_revision` in time. OVERLOADED: too many calls wait for a revision. REVISION_COMPACTED: so old
  // revisions are not kept. REVISION_LOST: a restored backup does not have `revision` or `min_revision`; the call does
  // not wait. STORAGE_UNAVAILABLE. SHUTTING_DOWN: StopWaiting() was called. A tenant that was never written to has
  // revision 1 and is not an error.
  absl::StatusOr<std::shared_ptr<const Snapshot>> Get(const SnapshotQuery& query) const ABSL_LOCKS_EXCLUDED(mutex_);

  // The catalogue that requests of the tenant use if they name none. This server may not have it.
  absl::StatusOr<std::string> DefaultCatalog(const TenantId& tenant) const ABSL_LOCKS_EXCLUDED(mutex_);
  const std::string& DefaultCatalog(const RegistryState& state) const;

  // Makes the change that `plan` returns for the newest state of the registry, or only validates it. An empty change
  // makes no revision. `plan` is called again if another write came first. Errors are those of `plan`,
  // REQUEST_ID_REUSED, STORAGE_FULL, STORAGE_UNAVAILABLE, OVERLOADED if too many calls write already, and
  // kDeadlineExceeded if other writes to the registry take until then.
  using Plan = std::function<absl::StatusOr<v1::RegistryChange>(const RegistrationContext&)>;
  absl::StatusOr<Written> Write(const WriteOrder& order, const Plan& plan) ABSL_LOCKS_EXCLUDED(mutex_);

  // The writes after `revision`, oldest first, `max_changes` at the most; and the revisions that can be read.
  // REVISION_COMPACTED, REVISION_LOST, REVISION_IN_FUTURE, STORAGE_UNAVAILABLE.
  absl::StatusOr<std::vector<v1::ChangeRecord>> ChangesSince(const TenantId& tenant, int64_t revision,
                                                             size_t max_changes) const;
  absl::StatusOr<RevisionRange> Revisions(const TenantId& tenant) const;

  // How many tenants something is known of without asking the store.
  size_t tenants_in_memory() const ABSL_LOCKS_EXCLUDED(mutex_);
  // What the registries in memory take, of `cache_bytes`.
  size_t bytes_in_memory() const ABSL_LOCKS_EXCLUDED(mutex_);
  // How many calls wait for a revision.
  size_t waiting_calls() const ABSL_LOCKS_EXCLUDED(mutex_);

  // From now on nobody waits for a revision.
  void StopWaiting() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // A tenant's registry at one revision, and what is seen of it through each catalogue, made when it is asked for.
  // Thread-safe.
  class View {
   public:
    View(RegistryState state, size_t catalogs)
        : state_(std::make_shared<const RegistryState>(std::move(state))), snapshots_(catalogs) {}

    const std::shared_ptr<const RegistryState>& state() const { return state_; }
    // `index` is that of `catalog` among the registry's.
    std::shared_ptr<const Snapshot> Through(const std::shared_ptr<const Catalog>& catalog, size_t index) const;

   private:
    struct LazySnapshot {
      std::once_flag once;
      std::shared_ptr<const Snapshot> snapshot;
    };

    std::shared_ptr<const RegistryState> state_;
    mutable std::vector<LazySnapshot> snapshots_;
  };

  // The index in `catalogs` of `name`; of the registry's default when `name` is empty.
  absl::StatusOr<size_t> FindCatalog(absl::string_view name, const RegistryState& state) const;
  std::shared_ptr<const View> MakeView(RegistryState state) const;
  // The registry at `revision`; 0: at the newest.
  absl::StatusOr<std::shared_ptr<const View>> GetView(const TenantId& tenant, int64_t revision) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  // What GetView() finds in memory: null when it has to look in the store. Sets whether the tenant's revisions are
  // known.
  absl::StatusOr<std::shared_ptr<const View>> FindView(const TenantId& tenant, int64_t revision, bool& known) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Reads the newest registry from the store, whatever is in memory.
  absl::StatusOr<std::shared_ptr<const View>> Reload(const TenantId& tenant) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Keeps `view` in memory, and makes it the tenant's newest unless a newer one is known. Does nothing, and returns
  // false, when a tenant was forgotten since `generation`.
  bool Publish(const TenantId& tenant, const RevisionRange& range, std::shared_ptr<const View> view,
               std::optional<int64_t> generation) const ABSL_LOCKS_EXCLUDED(mutex_);
  // The revisions of the tenant as memory knows them, or else the store.
  absl::StatusOr<RevisionRange> RangeOf(const TenantId& tenant) const ABSL_LOCKS_EXCLUDED(mutex_);
  // What is in memory is no longer known to be the tenant's newest.
  void Forget(const TenantId& tenant) ABSL_LOCKS_EXCLUDED(mutex_);

  absl::Status WaitFor(const SnapshotQuery& query) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns when something happened to the tenant since its newest revision was `seen`, or at `end`.
  absl::Status WaitForNews(const TenantId& tenant, int64_t seen, absl::Time end) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Counts a call that writes, for as long as the result lives. OVERLOADED.
  absl::StatusOr<std::shared_ptr<void>> EnterWrite() ABSL_LOCKS_EXCLUDED(mutex_);
  // The right to write to the tenant's registry, for as long as the result lives.
  absl::StatusOr<std::shared_ptr<void>> TakeTurn(const TenantId& tenant, absl::Time deadline)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The catalogues in the order in which RegistrationContext wants them.
  std::vector<std::shared_ptr<const Catalog>> CatalogsFor(const RegistryState& state) const;
  // The write that had the same request id, if there was one. `newest` is the newest revision in memory.
  absl::StatusOr<std::optional<Written>> FindEarlier(const WriteOrder& order, int64_t newest) const;

  const RegistrySettings settings_;
  RegistryStore& store_;
  const std::shared_ptr<const View> never_written_;
  mutable absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  mutable int64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;  // how often a tenant was forgotten

  // Calls that wait for news of a tenant.
  struct Waiting {
    absl::CondVar news;
    int calls = 0;
  };
  mutable absl::flat_hash_map<std::string, std::unique_ptr<Waiting>> waiting_ ABSL_GUARDED_BY(mutex_);
  mutable size_t waiting_calls_ ABSL_GUARDED_BY(mutex_) = 0;

  size_t writing_calls_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_set<std::string> writing_ ABSL_GUARDED_BY(mutex_);  // tenants that are written to
  absl::CondVar written_;                                             // some tenant no longer is

  // What can be read of the tenants that were read or written, as of the last commit.
  mutable absl::flat_hash_map<std::string, RevisionRange> ranges_ ABSL_GUARDED_BY(mutex_);
  mutable LruCache<std::shared_ptr<const View>> views_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_REGISTRY_H_
