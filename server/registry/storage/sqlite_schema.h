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

// The tables of a registry's file, and whether a file is one. A registry has our `application_id`, and the number of
// migrations that it has been through is its `user_version`. Nothing here is about the tables' contents.

// Each brings a file from one version to the next.
const std::vector<std::string>& SqliteMigrations();

// Runs the migrations that the database lacks, each in a transaction. After a failure those before it are kept.
absl::Status Migrate(SqliteConnection& connection, const std::vector<std::string>& migrations);

// kFailedPrecondition, with a sentence that says what to do: `connection`, on the file `path`, is not to a registry, or
// it is to one of a later version, or, when `thorough`, to one that is damaged. Writes nothing.
absl::Status CheckRegistry(SqliteConnection& connection, const std::string& path, bool thorough);

// kFailedPrecondition: there is no file at `path`, or it is empty.
absl::Status CheckRegistryFileExists(const std::string& path);

// Opens the registry at `path` for writing; it is created when there is no such file, and migrated when it is of an
// older version, which marks backups of version 1. Damage is looked for in files under 256 MiB, where that takes no
// more than a second or so, and in the log that a process which was killed has left. kFailedPrecondition: as
// CheckRegistry(); the file is as it was. Also when there is no file but a log of one. REQUIRES: no other process is
// opening it.
absl::StatusOr<SqliteConnection> OpenRegistry(const std::string& path, absl::Duration busy_timeout);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_SCHEMA_H_
