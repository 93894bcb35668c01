// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_FILE_LOCK_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_FILE_LOCK_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "server/registry/storage/unique_fd.h"

namespace qconfig {

// Holds the lock file beside a registry, so that one process at a time uses the registry. The kernel releases the lock
// when the process ends in whatever way, so the file may stay; it has the process id of the last holder.
// Not thread-safe.
class FileLock {
 public:
  // Locks the file beside the registry `path`; creates it for the registry's owner if it is missing. Does not wait.
  // kFailedPrecondition: another process, or another FileLock of this one, holds it; the message tells which.
  // STORAGE_FULL, STORAGE_UNAVAILABLE: the file cannot be created, or opened.
  static absl::StatusOr<FileLock> Acquire(const std::string& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_FILE_LOCK_H_
