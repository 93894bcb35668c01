// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_REGISTRY_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_REGISTRY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/registry/storage/registry_store.h"
#include "server/registry/storage/sqlite_connection.h"
#include "server/registry/storage/storage_damage.h"
#include "server/registry/storage/tenant_list.h"

namespace qconfig {

// RegistryStore's methods in SQL, on one connection. Errors are those of RegistryStore. Rows are checked when they are
// read: what is damaged, and what is missing, is StorageDamaged(). `tenants` are those of the file. Thread-safe if each
// connection is used by one thread.

// What a tenant takes on the disk.
struct TenantSize {
  int64_t history = 0;  // the records
  EntryBytes entries;
};
// By the tenant's id. Filled by WriteCommit(), which reads the size of a tenant once.
using TenantSizes = absl::flat_hash_map<int64_t, TenantSize>;

// `serialized_record` is the record of `commit`. Does not add the tenant to `tenants`, because others cannot see it
// before the transaction is committed. REQUIRES: a write transaction has begun. kAborted, kAlreadyExists and
// QUOTA_EXCEEDED change nothing in it; after other failures it must be rolled back, and if it is not committed, `sizes`
// must be cleared.
absl::StatusOr<RevisionRange> WriteCommit(SqliteConnection& connection, const TenantList& tenants,
                                          const TenantId& tenant, const RegistryCommit& commit,
                                          const std::string& serialized_record, const HistoryLimits& history,
                                          TenantSizes& sizes);

// Each of these reads one state of the database.
absl::StatusOr<RevisionRange> ReadRevisions(SqliteConnection& connection, const TenantList& tenants,
                                            const TenantId& tenant);
absl::StatusOr<RegistryState> ReadState(SqliteConnection& connection, const TenantList& tenants, const TenantId& tenant,
                                        int64_t revision);
absl::StatusOr<std::vector<v1::ChangeRecord>> ReadChanges(SqliteConnection& connection, const TenantList& tenants,
                                                          const TenantId& tenant, int64_t revision, size_t max_changes);
// Does not detect that a request is missing in the index of requests; see SqliteVerifier.
absl::StatusOr<std::optional<RegistryCommit>> ReadRequest(SqliteConnection& connection, const TenantList& tenants,
                                                          const TenantId& tenant, const std::string& request_id);

// Does not check the entries that it reads.
absl::StatusOr<int64_t> ReadLastRevisionWith(SqliteConnection& connection, const TenantList& tenants,
                                             const TenantId& tenant, EntryType type, const std::string& name,
                                             int64_t revision);

// Of all tenants whose rows are not damaged.
struct TenantTotals {
  int64_t commits = 0;  // since the file was created
  int64_t newest_revision = 0;
  int64_t tenants = 0;                             // also damaged ones
  absl::Time newest_write = absl::InfinitePast();  // its time; absl::InfinitePast(): there is none
  bool is_complete = true;                         // there are no others
};

// Reads each tenant's row and adds the names to `tenants`; 100,000 take about 0.1 s. Damaged and missing rows make
// `tenants` incomplete. REQUIRES: nobody else is writing, or a transaction has begun.
absl::StatusOr<TenantTotals> ReadTenants(SqliteConnection& connection, TenantList& tenants,
                                         const DamageListener& on_damage);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_REGISTRY_H_
