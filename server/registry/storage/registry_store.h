// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_REGISTRY_STORE_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_REGISTRY_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/registry_state.h"
#include "core/tenant_id.h"
#include "qconfig/v1/registry.pb.h"
#include "server/registry/storage/revision_range.h"

namespace qconfig {

// A write as stores keep it.
struct RegistryCommit {
  v1::ChangeRecord record;
  std::string request_digest;  // distinguishes writes that have the same request id; empty without one
  // Writes up to this time are too old for history. Stores do not keep it.
  absl::Time expired_up_to = absl::InfinitePast();
};

enum class EntryType : uint8_t { kScheme, kTemplate };

// How much a store keeps of each tenant. The newest revision is always kept. REQUIRES: none is negative.
struct HistoryLimits {
  int64_t max_changes = 10'000;
  int64_t max_bytes = int64_t{64} << 20;          // of the records
  int64_t max_tenant_bytes = int64_t{256} << 20;  // of the records, and of the entries with their earlier versions
};

// One write removes at most this many writes from history, so that no write takes long. It removes more if they are
// smaller than itself, because otherwise history would grow beyond its limit in bytes.
constexpr int64_t kMaxRemovedAtOnce = 256;

// An engine may bound the time of RegistryStore::LastRevisionWith() by looking at this many versions of entries only.
constexpr int64_t kMaxEarlierVersions = 1'000;

// Keeps each tenant's registry and the history of its changes, by revision.
// Thread-safe. Engines differ in durability only; tests/server/registry/storage/store_conformance.h is the full
// contract.
//
// Failures of the engine are STORAGE_UNAVAILABLE, or STORAGE_FULL if there is no space.
// REVISION_COMPACTED: history no longer has the revision. REVISION_LOST: a later epoch skipped its number.
// REVISION_IN_FUTURE: the tenant's registry has not reached it.
// Reading a tenant without writes creates nothing, and returns revision 1 without entries.
class RegistryStore {
 public:
  virtual ~RegistryStore() = default;

  // Appends `commit`, whose record has the revision RevisionRange::next, and returns the new range. When it returns,
  // the write is as durable as the engine promises. Changes apply as RegistryState::After() describes. Changes that
  // break its rules apply too: a put replaces the entry of that name, and deleting an entry that does not exist does
  // nothing.
  //
  // Then removes the oldest writes from history: those beyond `max_changes`, those up to `expired_up_to`, and, except
  // for this write itself, those beyond `max_bytes` or `max_tenant_bytes`. It removes at most kMaxRemovedAtOnce, or as
  // many beyond a limit in bytes as have the size of this write. A write within the limits keeps all later ones, so a
  // clock that is set back only makes history longer. The state after the last removed write can still be read.
  //
  // kAborted: the record's revision is not the next one: another writer came first, or a new epoch began.
  // kAlreadyExists: history has another write with the record's request id; see FindRequest(). QUOTA_EXCEEDED: the
  // write puts an entry, and `max_tenant_bytes` do not suffice for it even if nothing else is left of history. Nothing
  // is stored on failure, except that the outcome of STORAGE_UNAVAILABLE is not known.
  virtual absl::StatusOr<RevisionRange> Commit(const TenantId& tenant, const RegistryCommit& commit) = 0;

  // Begins a new epoch for all tenants: the next write of each gets a number that, as far as the engine knows, was
  // never used before, not even by a lost write. Nothing else changes. Returns the first number of the epoch.
  virtual absl::StatusOr<int64_t> BeginEpoch() = 0;

  // Whether a write would be stored now. Goes the way of Commit() as far as that changes nothing that can be read; may
  // wait for other writes, and may sync the disk.
  virtual absl::Status CheckWritable() = 0;

  virtual absl::StatusOr<RevisionRange> Revisions(const TenantId& tenant) const = 0;

  // The registry at `revision`; 0: at the newest. At revision 1, a tenant with writes has the first default catalogue
  // that its first write set.
  virtual absl::StatusOr<RegistryState> Load(const TenantId& tenant, int64_t revision) const = 0;

  // The writes after `revision`, oldest first, at most `max_changes`. 0 is not a revision here.
  virtual absl::StatusOr<std::vector<v1::ChangeRecord>> ChangesSince(const TenantId& tenant, int64_t revision,
                                                                     size_t max_changes) const = 0;

  // The write with `request_id`, if history still has it. Nullopt for an empty id.
  virtual absl::StatusOr<std::optional<RegistryCommit>> FindRequest(const TenantId& tenant,
                                                                    const std::string& request_id) const = 0;

  // The last revision with an entry of this type and name, if the entry was removed at `revision` or before. 0: there
  // is none, history no longer has it, or at least kMaxEarlierVersions versions of entries were replaced or removed
  // since. `revision` must not be later than the newest. The result is for messages only: engines
  // need not check what they read.
  virtual absl::StatusOr<int64_t> LastRevisionWith(const TenantId& tenant, EntryType type, const std::string& name,
                                                   int64_t revision) const = 0;

  // The number of writes of all tenants that the store has accepted since it was created. A write whose outcome is not
  // known may be counted only after the store is opened again.
  virtual int64_t writes() const = 0;

  // The number of tenants with writes, counted in the same way.
  virtual int64_t tenants() const = 0;

  // The time of the newest write of all tenants when the store was opened; absl::InfinitePast() if there was none.
  virtual absl::Time newest_when_opened() const = 0;
};

// For engines: the size of a tenant's entries.
struct EntryBytes {
  int64_t all() const { return current + earlier; }
  // An entry of this size is replaced or removed.
  void End(int64_t bytes) {
    current -= bytes;
    earlier += bytes;
  }

  int64_t current = 0;
  int64_t earlier = 0;  // versions that history needs
};

// For engines: errors that are the same in all of them.
absl::Status Conflict(const TenantId& tenant, int64_t next);
absl::Status RequestIdTaken(const TenantId& tenant, absl::string_view request_id);
// Checks the quota of a tenant whose current entries have `current_bytes`. QUOTA_EXCEEDED; see RegistryStore::Commit().
absl::Status CheckTenantBytes(const TenantId& tenant, const v1::ChangeRecord& record, int64_t current_bytes,
                              const HistoryLimits& limits);
absl::Status StorageUnavailable(absl::string_view problem);
absl::Status StorageFull(absl::string_view problem);
// The same if `problem`, the message of the status for the operator and the log, names files of the server. Clients get
// the ItemError, whose message is `for_clients`.
absl::Status StorageUnavailable(absl::string_view problem, absl::string_view for_clients);
absl::Status StorageFull(absl::string_view problem, absl::string_view for_clients);

// For engines: the time by which history is limited, in microseconds since 1970.
int64_t HistoryTime(const v1::ChangeRecord& record);

// For engines: decides which writes a commit removes from history.
class HistoryRemoval {
 public:
  // `bytes` is the size of the records in history, with that of the commit. `writes` is their number. `entry_bytes` is
  // the size of the entries with their earlier versions.
  HistoryRemoval(const HistoryLimits& limits, const RegistryCommit& commit, int64_t writes, int64_t bytes,
                 int64_t entry_bytes)
      : limits_(limits),
        expired_up_to_(absl::ToUnixMicros(commit.expired_up_to)),
        added_bytes_(static_cast<int64_t>(commit.record.ByteSizeLong())),
        writes_(writes),
        bytes_(bytes),
        entry_bytes_(entry_bytes) {}

  // Whether the oldest write of history, which has this HistoryTime() and size, must go. It counts as removed then.
  bool Remove(int64_t time, int64_t bytes);
  // Without the write that was removed last, versions of entries of this size are not needed.
  void DropVersions(int64_t bytes) { entry_bytes_ -= bytes; }

  // The size of the records that are left.
  int64_t bytes() const { return bytes_; }

 private:
  const HistoryLimits& limits_;
  const int64_t expired_up_to_;
  const int64_t added_bytes_;
  int64_t writes_;
  int64_t bytes_;
  int64_t entry_bytes_;
  int64_t removed_ = 0;
  int64_t removed_bytes_ = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_REGISTRY_STORE_H_
