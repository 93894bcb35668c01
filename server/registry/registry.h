// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_REGISTRY_H_
#define QCONFIG_SERVER_REGISTRY_REGISTRY_H_

// The module server/registry holds what tenants have registered. Registry is its public class; it combines
// RegistryCache (registries in memory, over a store), WriteLocks (one writer for each tenant) and RevisionWaits (calls
// that wait for a revision). `storage/` has the engines behind RegistryStore. core/registration decides which
// entries are valid; requests, responses and gRPC belong in server/services and server/rpc.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
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
#include "server/base/counted.h"
#include "server/registry/history_expiry.h"
#include "server/registry/registry_cache.h"
#include "server/registry/revision_waits.h"
#include "server/registry/storage/registry_store.h"
#include "server/registry/write_locks.h"

namespace qconfig {

// Selects the snapshot that a call reads.
struct SnapshotQuery {
  TenantId tenant;
  absl::string_view catalog;           // empty: the tenant's default. Must outlive the query
  int64_t revision = 0;                // 0: the newest
  int64_t min_revision = 0;            // wait until the tenant's registry has reached it; 0: do not wait
  absl::Duration deadline;             // of the call, in steady time; absl::InfiniteDuration(): none
  std::function<bool()> is_cancelled;  // whether the client cancelled the call
};

// The context of a write; a Registry::Plan determines the change.
struct WriteOrder {
  TenantId tenant;
  std::string actor;
  std::string request_id;      // empty: none
  std::string request_digest;  // distinguishes writes that have the same `request_id`
  bool validate_only = false;
  absl::Duration deadline;  // of the call, in steady time
  std::string peer;         // the address of the caller
  std::string caller;       // who shares places for writes with its other calls; see WriteLocks
  bool may_create = true;   // whether the write may be the tenant's first one
  // Called before each attempt to commit; an error stops the write. Null: nothing.
  std::function<absl::Status()> before_commit = nullptr;
};

// A write that was stored by this call or by an earlier one with the same request id, or that was only validated.
struct Written {
  int64_t revision = 1;                         // that the write created; the current one if nothing was stored
  v1::RegistryChange change;                    // without the change of the tenant's default catalogue
  std::shared_ptr<const RegistryState> before;  // the registry before the write
};

struct RegistrySettings {
  Catalogs catalogs;            // oldest release first
  std::string default_catalog;  // for tenants without writes; one of `catalogs`
  Limits limits;
  size_t cache_bytes = 256u << 20;              // memory for cached registries
  absl::Duration max_wait = absl::Seconds(30);  // for `min_revision`, if a call has no deadline
  size_t max_waiting_calls = 128;               // for a `min_revision`; each keeps a thread
  size_t max_writing_calls = 128;               // that write or wait to write; each keeps a thread
  absl::Duration max_history_age = absl::Hours(24 * 400);
  int64_t max_tenants = 10'000;  // with writes
  Clock clock;
  // Called before a registry is loaded into memory. If it fails, the call fails with its status.
  std::function<absl::Status()> admit_load = absl::OkStatus;
  // Called when a tenant's registry may have changed, before a call can see the change. Must not call back.
  std::function<void(const TenantId&)> on_change = [](const TenantId&) {};
  // Called after a write was stored, with what the store keeps of the tenant, in bytes.
  std::function<void(const TenantId&, int64_t)> on_stored = [](const TenantId&, int64_t) {};
  // Called with the reason when history is not removed by age for some time; see HistoryExpiry.
  std::function<void(const std::string&)> on_history_paused = [](const std::string&) {};
};

// The registries of all tenants, over the catalogues: provides snapshots to answer from, and applies writes. Writes to
// one tenant are serialized. A call sees no older revision than the calls that returned before it began. Thread-safe.
class Registry {
 public:
  // REQUIRES: nothing else writes to `store`, which must outlive the registry. A new epoch applies to a cached tenant
  // only after the tenant's next write.
  Registry(RegistrySettings settings, RegistryStore& store);

  // Every catalogue, oldest release first.
  const Catalogs& catalogs() const { return settings_.catalogs; }

  // How long a call without a deadline waits for its `min_revision`.
  absl::Duration max_wait() const { return settings_.max_wait; }

  // CATALOG_NOT_FOUND. REVISION_IN_FUTURE: the registry has not reached `revision`, or did not reach `min_revision` in
  // time. OVERLOADED: too many calls wait for a revision. REVISION_COMPACTED: history no longer has `revision`.
  // REVISION_LOST: a restored backup does not have `revision` or `min_revision`; the call does not wait.
  // STORAGE_UNAVAILABLE. OVERLOADED, kDeadlineExceeded: the registry is not in memory, and too many calls wait for
  // registries to load, or it was not loaded in time. SHUTTING_DOWN: StopWaiting() was called. A tenant without writes
  // has revision 1 and is not an error.
  absl::StatusOr<std::shared_ptr<const Snapshot>> Get(const SnapshotQuery& query) const;

  // The catalogue for requests of the tenant that name none. This server may not have it.
  absl::StatusOr<std::string> DefaultCatalog(const TenantId& tenant) const;
  const std::string& DefaultCatalog(const RegistryState& state) const;

  // Stores the change that `plan` returns for the newest state of the registry, or only validates it. An empty change
  // makes no revision. `plan` is called again if another write came first. The time of a change is never before that of
  // the tenant's previous change. Errors are those of `plan`, REQUEST_ID_REUSED, QUOTA_EXCEEDED for a new tenant if
  // there are `max_tenants`, STORAGE_FULL, STORAGE_UNAVAILABLE, OVERLOADED if too many calls are writing, in
  // total, to this tenant, or of this caller, and kDeadlineExceeded if other writes to the registry take too long.
  using Plan = std::function<absl::StatusOr<v1::RegistryChange>(const RegistrationContext&)>;
  absl::StatusOr<Written> Write(const WriteOrder& order, const Plan& plan);

  // The writes after `revision`, oldest first, at most `max_changes`.
  // REVISION_COMPACTED, REVISION_LOST, REVISION_IN_FUTURE, STORAGE_UNAVAILABLE.
  absl::StatusOr<std::vector<v1::ChangeRecord>> ChangesSince(const TenantId& tenant, int64_t revision,
                                                             size_t max_changes) const;

  // See RegistryStore::LastRevisionWith(). Reads the store, for errors only.
  absl::StatusOr<int64_t> LastRevisionWith(const TenantId& tenant, EntryType type, const std::string& name,
                                           int64_t revision) const {
    return store_.LastRevisionWith(tenant, type, name, revision);
  }

  // The revisions that can be read. Reads the store. STORAGE_UNAVAILABLE.
  absl::StatusOr<RevisionRange> Revisions(const TenantId& tenant) const;

  // Whether the store would accept a write now; see RegistryStore::CheckWritable().
  absl::Status CheckWritable() { return store_.CheckWritable(); }

  // The number of cached tenants, and the memory of the cached registries, which is at most `cache_bytes`.
  size_t tenants_in_memory() const { return cache_.tenants(); }
  size_t bytes_in_memory() const { return cache_.bytes(); }

  // Whether history is not removed by age, because the clock has moved forward.
  bool is_history_paused() const { return history_expiry_.is_paused(); }

  // Drops all registries from memory.
  void ClearCache() { cache_.Clear(); }

  // The number of calls that wait for a revision.
  size_t waiting_calls() const { return waits_.calls(); }

  // The number of calls that wait for other writes to their tenant, and of writes that were OVERLOADED.
  size_t waiting_writes() const { return write_locks_.waiting(); }
  int64_t rejected_writes() const { return write_locks_.rejections(); }

  // Ends all waits for a revision; later ones fail immediately.
  void StopWaiting() { waits_.Stop(); }

 private:
  // The index in `catalogs` of `name`; of the registry's default if `name` is empty.
  absl::StatusOr<size_t> FindCatalog(absl::string_view name, const RegistryState& state) const;
  // The catalogues in the order that RegistrationContext requires.
  Catalogs CatalogsFor(const RegistryState& state) const;

  // Waits until the registry has reached the `min_revision` of the query.
  absl::Status WaitForRevision(const SnapshotQuery& query) const;

  // Writes to the registry whose newest view is `view`. Nullopt: another write came first.
  absl::StatusOr<std::optional<Written>> TryWrite(const WriteOrder& order, const Plan& plan, const RegistryView& view);
  // Counts the tenant as one that is being created, as long as the result lives, if its registry is `newest` and was
  // never written to. QUOTA_EXCEEDED.
  absl::StatusOr<Counted> CountNewTenant(const WriteOrder& order, const RegistryState& newest);
  // Stores a write. Nullopt: another write came first.
  absl::StatusOr<std::optional<Written>> Store(const WriteOrder& order, Written write, const RegistryCommit& commit);
  // The stored write that had the same request id, if there is one. `newest` is the newest cached revision.
  absl::StatusOr<std::optional<Written>> FindEarlier(const WriteOrder& order, int64_t newest);
  // A commit at `time`, which removes history up to `expired_up_to`.
  RegistryCommit MakeCommit(const WriteOrder& order, const Written& write, const google::protobuf::Timestamp& time,
                            absl::Time expired_up_to) const;

  const RegistrySettings settings_;
  RegistryStore& store_;
  WriteLocks write_locks_;
  HistoryExpiry history_expiry_;
  absl::Mutex mutex_;
  int64_t creating_ ABSL_GUARDED_BY(mutex_) = 0;  // the number of tenants whose first write is being stored
  mutable RevisionWaits waits_;
  mutable RegistryCache cache_;  // notifies waits_
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_REGISTRY_H_
