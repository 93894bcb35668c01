// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_BACKUP_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_BACKUP_H_

#include <string>

#include "absl/status/status.h"

namespace qconfig {

// Copies a consistent state of the registry at `from` to the new file `to`, which can be opened as a store. Opening it
// begins a new epoch, because revisions made after the copy are lost. A server can use `from` meanwhile and is not
// affected. `to` appears when it is complete, checked and synced.
// kFailedPrecondition: `from` does not exist, is not a registry or is damaged, or `to` exists; nothing has changed.
// STORAGE_UNAVAILABLE, STORAGE_FULL: a file cannot be read or written; `to` is not created.
// Thread-safe.
absl::Status BackupSqlite(const std::string& from, const std::string& to);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_BACKUP_H_
