// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_COMMITS_FILE_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_COMMITS_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/base/unique_fd.h"

namespace qconfig {

// The epoch of a registry and the number of its commits.
struct CommitCount {
  int64_t epoch = 0;    // the first number of its epoch; 0: the first epoch
  int64_t commits = 0;  // of all tenants, since the registry was created

  bool IsBefore(const CommitCount& other) const {
    return std::tie(epoch, commits) < std::tie(other.epoch, other.commits);
  }
};

// Counts the commits of a registry in a small file beside it, so that a server notices on opening the registry if an
// older copy has replaced it. The file is not synced: it survives a killed process, but a crash of the machine may lose
// the last counts, and then an older copy can go unnoticed. It never counts a commit that is not stored.
// Thread-safe.
class CommitsFile {
 public:
  // Opens the file beside the registry `path`; creates it for the registry's owner if it is missing.
  // STORAGE_UNAVAILABLE, STORAGE_FULL: it cannot be opened.
  static absl::StatusOr<std::unique_ptr<CommitsFile>> Open(const std::string& path);

  CommitCount count() const;

  // These write to the file. Failures are ignored: no commit depends on them.
  void Set(const CommitCount& count);
  void AddCommits(int64_t commits);
  void SetEpoch(int64_t epoch);

 private:
  CommitsFile(UniqueFd fd, const CommitCount& count) : fd_(std::move(fd)), count_(count) {}

  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const UniqueFd fd_;
  mutable absl::Mutex mutex_;
  CommitCount count_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_COMMITS_FILE_H_
