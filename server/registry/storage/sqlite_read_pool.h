// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_READ_POOL_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_READ_POOL_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/registry/storage/durable_files.h"
#include "server/registry/storage/sqlite_connection.h"

namespace qconfig {

// A store's connections for reading: at most four, opened when needed and then kept. When all are in use, a reader
// waits for another reader, never for a writer. Thread-safe.
class SqliteReadPool {
 public:
  // Returns its connection to the pool when it is destroyed. Not thread-safe.
  class Lease {
   public:
    Lease(SqliteReadPool& pool, SqliteConnection connection) : pool_(&pool), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
    ~Lease() {
      if (pool_ != nullptr) pool_->Return(std::move(connection_));
    }

    SqliteConnection& connection() { return connection_; }

   private:
    SqliteReadPool* pool_;
    SqliteConnection connection_;
  };

  // `file` identifies the file at `path`.
  SqliteReadPool(std::string path, const FileFacts& file, absl::Duration busy_timeout)
      : path_(std::move(path)), file_(file), busy_timeout_(busy_timeout) {}

  // STORAGE_UNAVAILABLE: also if a new connection is needed and the path now leads to another file.
  // REQUIRES: the pool outlives the lease, and the thread has no other lease.
  absl::StatusOr<Lease> Borrow();

 private:
  absl::StatusOr<SqliteConnection> Open() const;
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Return(SqliteConnection connection);

  const std::string path_;
  const FileFacts file_;
  const absl::Duration busy_timeout_;
  absl::Mutex mutex_;
  std::vector<SqliteConnection> idle_ ABSL_GUARDED_BY(mutex_);
  int borrowed_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_READ_POOL_H_
