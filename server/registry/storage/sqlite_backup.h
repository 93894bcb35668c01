// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_BACKUP_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_BACKUP_H_

#include <string>

#include "absl/status/status.h"

namespace qconfig {

// Copies the registry at `from`, as it is at one moment, to one new file `to`, which can be opened as a store. That
// begins a new epoch, because revisions that were made after the copy are lost then. A server may use `from` meanwhile
// and is not affected. `to` appears when it is whole, checked and synced.
// kFailedPrecondition: `from` is not there, not a registry, or damaged, or something is at `to`; nothing has changed.
// STORAGE_UNAVAILABLE, STORAGE_FULL: a file cannot be read or written; there is no `to`.
// Thread-safe.
absl::Status BackupSqlite(const std::string& from, const std::string& to);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_BACKUP_H_
