// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_STORAGE_FILE_LOCK_H_
#define QCONFIG_SERVER_STORAGE_FILE_LOCK_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "server/storage/unique_fd.h"

namespace qconfig {

// Holds a lock file, so that one process at a time uses what stands beside it. The kernel lets go of the lock when the
// process ends in whatever way, so the file may stay; it tells the process id of who has or last had the lock.
// Not thread-safe.
class FileLock {
 public:
  // Creates the file when there is none. Does not wait.
  // kFailedPrecondition: another process, or another FileLock of this one, holds it; the message tells which.
  // STORAGE_FULL, STORAGE_UNAVAILABLE: the file cannot be created, or opened.
  static absl::StatusOr<FileLock> Acquire(const std::string& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_STORAGE_FILE_LOCK_H_
