// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_NEW_EPOCH_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_NEW_EPOCH_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"

namespace qconfig {

// Begins a new epoch of the registry at `path`, and returns its first number. If opening the file begins the epoch, as
// for a backup, calls `warn` with the reason and begins no second epoch.
// kFailedPrecondition: the file does not exist, a server has it open, or it is not a registry; nothing has changed.
// STORAGE_UNAVAILABLE, STORAGE_FULL: the file cannot be read or written.
// Thread-safe.
absl::StatusOr<int64_t> BeginSqliteEpochAt(const std::string& path,
                                           const std::function<void(const std::string&)>& warn);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_NEW_EPOCH_H_
