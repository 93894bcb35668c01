// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_CHECK_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_CHECK_H_

#include <string>

#include "absl/status/status.h"

namespace qconfig {

// Checks the structure and all rows of the registry at `path`, which can be a backup. A server can use the file
// meanwhile and is not affected. kFailedPrecondition, with advice: the file does not exist, is not a registry, is
// damaged, or has an older version, without checksums. STORAGE_UNAVAILABLE: it cannot be read. Thread-safe.
absl::Status CheckSqlite(const std::string& path);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_CHECK_H_
