// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_FILE_LOCK_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_FILE_LOCK_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "server/base/unique_fd.h"

namespace qconfig {

// Holds the lock file beside a registry, so that only one process uses the registry. The kernel releases the lock when
// the process ends for any reason, so the file can stay; it contains the process id of the last holder.
// Not thread-safe.
class FileLock {
 public:
  // Locks the file beside the registry `path`; creates the file for the registry's owner if it is missing. Does not
  // wait. kFailedPrecondition: another process, or another FileLock of this one, holds the lock; the message has its
  // process id. STORAGE_FULL, STORAGE_UNAVAILABLE: the file cannot be created or opened.
  static absl::StatusOr<FileLock> Acquire(const std::string& path);

  // Acquires the lock again if the file was removed, because another process could lock a new file. On error, nothing
  // has changed. kFailedPrecondition: the file was replaced, so another process may have used the registry. Other
  // errors as for Acquire().
  absl::Status Keep();

 private:
  FileLock(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  UniqueFd fd_;
  std::string path_;  // of the registry
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_FILE_LOCK_H_
