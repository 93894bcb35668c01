// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_EPOCH_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_EPOCH_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/registry/storage/commits_file.h"
#include "server/registry/storage/sqlite_connection.h"
#include "server/registry/storage/sqlite_registry.h"

namespace qconfig {

// Epochs of a registry's file. RevisionRange describes epochs.

// Marks a copy of a registry as a backup, so that opening it begins an epoch.
absl::Status MarkAsBackup(SqliteConnection& connection);

// Begins an epoch, and clears the mark of a backup, in one transaction. Returns the first number of the epoch, which is
// larger than every revision in the file and every one that `commits` counted.
absl::StatusOr<int64_t> BeginSqliteEpoch(SqliteConnection& connection, CommitsFile& commits, absl::Time now);

// For a file that was just opened: begins an epoch and calls `warn` with the reason, if the file is a backup or has
// fewer commits than `commits` counted. Updates `commits` to match the file, whose tenants are `tenants`.
absl::Status BeginEpochIfRestored(SqliteConnection& connection, CommitsFile& commits, const TenantTotals& tenants,
                                  absl::Time now, const std::function<void(const std::string&)>& warn);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_EPOCH_H_
