// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_LOG_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_LOG_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/unique_fd.h"

namespace qconfig {

// The log beside a database, which SQLite has open. SQLite does not notice when somebody removes the log or cuts it: it
// goes on writing, and the next start ignores what it wrote. Not thread-safe.
class SqliteLog {
 public:
  // What the log was at some time.
  struct State {
    int64_t bytes = 0;
    std::array<char, 32> header{};  // has new random numbers each time SQLite begins the log again
  };

  // Opens the log of the database at `path`. REQUIRES: SQLite has it open.
  static absl::StatusOr<SqliteLog> Open(const std::string& path);

  // STORAGE_UNAVAILABLE: the log was removed or replaced.
  absl::StatusOr<State> Look() const;

  // Checks the log after a transaction has been added to it. `before` is what it was before, `frames_before` and
  // `frames` are the numbers of pages in it before and now. STORAGE_UNAVAILABLE: the log was removed, replaced or cut,
  // so the transaction may be lost.
  absl::Status CheckAfterCommit(const State& before, int frames_before, int frames) const;

 private:
  SqliteLog(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::Status Unusable(const char* what) const;

  UniqueFd fd_;
  std::string path_;  // of the log
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_LOG_H_
