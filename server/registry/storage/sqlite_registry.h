// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_REGISTRY_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_REGISTRY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/registry/storage/registry_store.h"
#include "server/registry/storage/sqlite_connection.h"

namespace qconfig {

// RegistryStore's methods in SQL, on one connection. Errors are those of RegistryStore; an invalid row is
// STORAGE_UNAVAILABLE. Thread-safe if each connection is used by one thread.

// `serialized_record` is the record of `commit`. REQUIRES: a write transaction has begun. kAborted and kAlreadyExists
// change nothing in it; after other failures it must be rolled back.
absl::StatusOr<RevisionRange> WriteCommit(SqliteConnection& connection, const TenantId& tenant,
                                          const RegistryCommit& commit, const std::string& serialized_record,
                                          const HistoryLimits& history);

// Each of these reads one state of the database.
absl::StatusOr<RevisionRange> ReadRevisions(SqliteConnection& connection, const TenantId& tenant);
absl::StatusOr<RegistryState> ReadState(SqliteConnection& connection, const TenantId& tenant, int64_t revision);
absl::StatusOr<std::vector<v1::ChangeRecord>> ReadChanges(SqliteConnection& connection, const TenantId& tenant,
                                                          int64_t revision, size_t max_changes);
absl::StatusOr<std::optional<RegistryCommit>> ReadRequest(SqliteConnection& connection, const TenantId& tenant,
                                                          const std::string& request_id);

// The number of commits since the file was created. Reads each tenant's row: 100,000 take about 5 ms.
absl::StatusOr<int64_t> CountWrites(SqliteConnection& connection);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_REGISTRY_H_
