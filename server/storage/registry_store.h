// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_STORAGE_REGISTRY_STORE_H_
#define QCONFIG_SERVER_STORAGE_REGISTRY_STORE_H_

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

namespace qconfig {

// One write, as it is stored.
struct RegistryCommit {
  v1::ChangeRecord record;
  std::string request_digest;  // tells writes of one `request_id` apart; empty when the record has no request id
};

// The revisions of a tenant's registry that can be read. {1, 1} for a tenant that was never written to.
struct RevisionRange {
  int64_t first = 1;
  int64_t newest = 1;
};

// How much of the past a store keeps. The newest revision is always kept.
struct HistoryLimits {
  int64_t max_changes = 10'000;
  absl::Duration max_age = absl::Hours(24 * 400);
};

// Keeps each tenant's registry and everything that changed in it, one revision after the other.
// Thread-safe. Engines differ in durability only; tests/server/store_conformance.h is the full contract.
//
// Whatever fails for the engine's own reasons is STORAGE_UNAVAILABLE, or STORAGE_FULL when there is no room.
// REVISION_IN_FUTURE and REVISION_COMPACTED: no such revision can be read yet, or any more.
class RegistryStore {
 public:
  virtual ~RegistryStore() = default;

  // Appends `commit`, whose record is of the revision after the newest, and returns what can be read then. When it
  // returns, the write survives what the engine promises to survive. Then forgets history that passes the limits, the
  // record's own time being now.
  // kAborted: the tenant's newest revision is not the one before the record's: another writer came first.
  // On every failure but STORAGE_UNAVAILABLE, where that is not known, nothing is stored.
  virtual absl::StatusOr<RevisionRange> Commit(const TenantId& tenant, const RegistryCommit& commit) = 0;

  virtual absl::StatusOr<RevisionRange> Revisions(const TenantId& tenant) const = 0;

  // The registry at `revision`; 0: at the newest. Before the tenant's first write the default catalogue is the one that
  // this write sets.
  virtual absl::StatusOr<RegistryState> Load(const TenantId& tenant, int64_t revision) const = 0;

  // The writes after `revision`, oldest first, `max_changes` at the most.
  virtual absl::StatusOr<std::vector<v1::ChangeRecord>> ChangesSince(const TenantId& tenant, int64_t revision,
                                                                     size_t max_changes) const = 0;

  // The write that had `request_id`, if history still has it.
  virtual absl::StatusOr<std::optional<RegistryCommit>> FindRequest(const TenantId& tenant,
                                                                    const std::string& request_id) const = 0;
};

// For engines: the failures that all of them tell alike. `field` is "revision" as a rule.
absl::Status CheckReadable(const TenantId& tenant, const RevisionRange& range, int64_t revision);
absl::Status Conflict(const TenantId& tenant, int64_t newest);
absl::Status StorageUnavailable(absl::string_view problem);
absl::Status StorageFull(absl::string_view problem);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_STORAGE_REGISTRY_STORE_H_
