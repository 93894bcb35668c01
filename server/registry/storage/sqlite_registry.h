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

// RegistryStore's methods in SQL, on one connection. What they fail with is RegistryStore's contract; a row that cannot
// be what was written is STORAGE_UNAVAILABLE. Thread-safe as far as each connection has one thread.

// REQUIRES: a transaction that writes has begun. After kAborted and kAlreadyExists, nothing has changed in it; after
// other failures it must be rolled back.
// `serialized_record` is that of `commit`.
absl::StatusOr<RevisionRange> WriteCommit(SqliteConnection& connection, const TenantId& tenant,
                                          const RegistryCommit& commit, const std::string& serialized_record,
                                          const HistoryLimits& history);

// These see one state of the database each.
absl::StatusOr<RevisionRange> ReadRevisions(SqliteConnection& connection, const TenantId& tenant);
absl::StatusOr<RegistryState> ReadState(SqliteConnection& connection, const TenantId& tenant, int64_t revision);
absl::StatusOr<std::vector<v1::ChangeRecord>> ReadChanges(SqliteConnection& connection, const TenantId& tenant,
                                                          int64_t revision, size_t max_changes);
absl::StatusOr<std::optional<RegistryCommit>> ReadRequest(SqliteConnection& connection, const TenantId& tenant,
                                                          const std::string& request_id);

// How many commits the file has taken since it was created. Reads each tenant's row: 100,000 take some 5 ms.
absl::StatusOr<int64_t> CountWrites(SqliteConnection& connection);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_REGISTRY_H_
