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

// One write, as it is stored.
struct RegistryCommit {
  v1::ChangeRecord record;
  std::string request_digest;  // tells writes of one `request_id` apart; empty when the record has no request id
};

// How much of the past a store keeps. The newest revision is always kept. REQUIRES: neither is negative.
struct HistoryLimits {
  int64_t max_changes = 10'000;
  absl::Duration max_age = absl::Hours(24 * 400);
};

// How many writes one write makes forgotten at the most, so that none takes long.
constexpr int64_t kMaxForgottenAtOnce = 256;

// Keeps each tenant's registry and everything that changed in it, one revision after the other.
// Thread-safe. Engines differ in durability only; tests/server/registry/storage/store_conformance.h is the full
// contract.
//
// Whatever fails for the engine's own reasons is STORAGE_UNAVAILABLE, or STORAGE_FULL when there is no room.
// REVISION_COMPACTED: history no longer has the revision. REVISION_LOST: an epoch that began later skipped its number.
// REVISION_IN_FUTURE: the tenant's registry has not reached it.
// Reading a tenant that was never written to creates nothing, and finds revision 1 without entries.
class RegistryStore {
 public:
  virtual ~RegistryStore() = default;

  // Appends `commit`, whose record is of the revision RevisionRange::next, and returns what can be read then. When it
  // returns, the write survives what the engine promises to survive. Changes apply as RegistryState::After() tells, and
  // such that break its rules do too: what is put replaces what has the name, what is not there is deleted already.
  //
  // Then forgets the oldest writes, kMaxForgottenAtOnce at the most, as long as they are more than the limits'
  // `max_changes`, or their time is `max_age` or more before the record's own, which is taken to be now. A write that
  // is young enough keeps all after it, so clocks that go back only make history longer. The state that the last
  // forgotten write made can still be read.
  //
  // kAborted: the record's revision is not the next one: another writer came first, or a new epoch began.
  // kAlreadyExists: history has another write with the record's request id; FindRequest() tells which.
  // On every failure but STORAGE_UNAVAILABLE, where that is not known, nothing is stored.
  virtual absl::StatusOr<RevisionRange> Commit(const TenantId& tenant, const RegistryCommit& commit) = 0;

  // Begins a new epoch for all tenants: the next write of each gets a number that was never used before, not even by a
  // write that is lost, as far as the engine knows. Nothing else changes. Returns the first number of the epoch.
  virtual absl::StatusOr<int64_t> BeginEpoch() = 0;

  virtual absl::StatusOr<RevisionRange> Revisions(const TenantId& tenant) const = 0;

  // The registry at `revision`; 0: at the newest. At revision 1 a tenant that was written to has the first default
  // catalogue that its first write set.
  virtual absl::StatusOr<RegistryState> Load(const TenantId& tenant, int64_t revision) const = 0;

  // The writes after `revision`, oldest first, `max_changes` at the most. 0 is no revision here.
  virtual absl::StatusOr<std::vector<v1::ChangeRecord>> ChangesSince(const TenantId& tenant, int64_t revision,
                                                                     size_t max_changes) const = 0;

  // The write that had `request_id`, if history still has it. None for an empty id.
  virtual absl::StatusOr<std::optional<RegistryCommit>> FindRequest(const TenantId& tenant,
                                                                    const std::string& request_id) const = 0;

  // How many writes it has taken since it was made, of all tenants. One that failed without being known to be stored or
  // not may be counted only when the store is opened again.
  virtual int64_t writes() const = 0;
};

// For engines: failures that are the same in all of them.
absl::Status Conflict(const TenantId& tenant, int64_t next);
absl::Status RequestIdTaken(const TenantId& tenant, absl::string_view request_id);
absl::Status StorageUnavailable(absl::string_view problem);
absl::Status StorageFull(absl::string_view problem);

// For engines: times as history compares them, in microseconds since 1970.
int64_t HistoryTime(const v1::ChangeRecord& record);
// Writes of this time and before have passed the limits when `now` is the newest write's HistoryTime().
int64_t ForgottenUpTo(const HistoryLimits& limits, int64_t now);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_REGISTRY_STORE_H_
