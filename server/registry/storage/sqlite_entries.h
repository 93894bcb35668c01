// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_ENTRIES_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_ENTRIES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/registry_state.h"
#include "core/tenant_id.h"
#include "qconfig/v1/registry.pb.h"
#include "server/registry/storage/registry_store.h"
#include "server/registry/storage/sqlite_connection.h"
#include "server/registry/storage/sqlite_rows.h"

namespace qconfig {

// The table `entries`, which has all versions of a tenant's entries that history still reads. Errors are those of
// SqliteConnection, and StorageDamaged(). Thread-safe if each connection is used by one thread.

// Writes the changes of one revision, and updates `tenant.next_position`, the two states, and `bytes`.
// `is_first_write`: the tenant had no writes. REQUIRES: a write transaction has begun.
absl::Status WriteEntries(SqliteConnection& connection, const TenantId& name, const v1::ChangeRecord& record,
                          bool is_first_write, TenantRow& tenant, EntryBytes& bytes);

// The size of all values of the tenant with this id.
absl::StatusOr<EntryBytes> ReadEntryBytes(SqliteConnection& connection, int64_t id);

// The size of the versions that `revision` replaced or removed.
absl::StatusOr<int64_t> ReadBytesUntil(SqliteConnection& connection, int64_t id, int64_t revision);

// The entries at a revision of the tenant with this id. `state` is the sum of the checksums that they must have.
absl::StatusOr<RegistryState> ReadEntries(SqliteConnection& connection, const TenantId& tenant, int64_t id,
                                          int64_t revision, int64_t state);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_ENTRIES_H_
