// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_CHECKSUMS_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_CHECKSUMS_H_

#include "absl/status/status.h"
#include "server/registry/storage/sqlite_connection.h"

namespace qconfig {

// Sets the columns of version 3, which are checksums, sums of them, and numbers derived from other rows, in all rows of
// a file of an earlier version. Takes about ten seconds for 1 GB. REQUIRES: a write transaction has begun.
absl::Status FillChecksums(SqliteConnection& connection);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_CHECKSUMS_H_
