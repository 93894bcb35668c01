// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_SCHEMA_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_SCHEMA_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/registry/storage/sqlite_connection.h"

namespace qconfig {

// The tables of a registry's file, and checks whether a file is a registry. A registry has our `application_id`; its
// `user_version` is the number of migrations that were applied. Does not interpret the contents of the tables.

// Migrates a file from one version to the next.
struct SqliteMigration {
  std::string sql;
  absl::Status (*fill)(SqliteConnection& connection) = nullptr;  // runs after `sql`, in the same transaction
};
const std::vector<SqliteMigration>& SqliteMigrations();

// Applies the missing migrations, each in a transaction. After a failure the earlier ones are kept.
absl::Status Migrate(SqliteConnection& connection, const std::vector<SqliteMigration>& migrations);

// Writes the mark that the file has anyway: the smallest transaction that reaches the disk. REQUIRES: the file is a
// registry.
absl::Status MarkAsRegistry(SqliteConnection& connection);

// kFailedPrecondition, with advice in the message: the file `path` of `connection` is not a registry, or has a later
// version, or, if `thorough`, is damaged. Writes nothing.
absl::Status CheckRegistry(SqliteConnection& connection, const std::string& path, bool thorough);

// kFailedPrecondition, as CheckRegistry(): a row is damaged or missing, or the file has an older version, whose rows
// have no checksums. REQUIRES: CheckRegistry() succeeded.
absl::Status CheckRows(SqliteConnection& connection, const std::string& path);

// kFailedPrecondition: the file at `path` does not exist or is empty.
absl::Status CheckRegistryFileExists(const std::string& path);

// Opens the registry at `path` for writing. Creates the file if it is missing; migrates it if it has an older version,
// which marks backups of version 1. Checks files under `max_checked_bytes` for damage, and the log that a killed
// process left. kFailedPrecondition: as CheckRegistry(), or the file is missing but its log exists; nothing has
// changed. REQUIRES: no other process is opening the file.
absl::StatusOr<SqliteConnection> OpenRegistry(const std::string& path, absl::Duration busy_timeout,
                                              int64_t max_checked_bytes);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_SCHEMA_H_
