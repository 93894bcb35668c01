// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_STORAGE_DURABLE_FILES_H_
#define QCONFIG_SERVER_STORAGE_DURABLE_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace qconfig {

// Files that only their owner may use, and that survive a crash once these functions have returned. What the operating
// system refuses is STORAGE_FULL or STORAGE_UNAVAILABLE, and the message has the path. Thread-safe.

// The size of a file; -1 when there is none.
absl::StatusOr<int64_t> FileSize(const std::string& path);

// Creates the directory of `path`, and those above it, where they are missing.
absl::Status CreateDirectoryOf(const std::string& path);

// Creates an empty file. kFailedPrecondition: there is something of that name.
absl::Status CreateFile(const std::string& path);

// Gives a finished file its name. kFailedPrecondition: there is something of the name `to`; nothing has changed.
absl::Status PublishFile(const std::string& from, const std::string& to);

// Removes `path` and what SQLite may have left beside it. What is not there is no error.
void RemoveDatabase(const std::string& path);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_STORAGE_DURABLE_FILES_H_
