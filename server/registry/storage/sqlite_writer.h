// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_WRITER_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_WRITER_H_

#include <cstdint>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/base/clock.h"
#include "server/registry/storage/commits_file.h"
#include "server/registry/storage/file_lock.h"
#include "server/registry/storage/registry_store.h"
#include "server/registry/storage/sqlite_connection.h"
#include "server/registry/storage/sqlite_log.h"
#include "server/registry/storage/sqlite_registry.h"
#include "server/registry/storage/tenant_list.h"

namespace qconfig {

// Counts of what a store has done since it was opened.
struct SqliteStats {
  int64_t transactions = 0;  // committed
  int64_t writes = 0;        // stored
  int64_t pending = 0;       // writes whose Commit() has not returned yet
  int64_t tenants = 0;       // with writes, also from before it was opened
};

// Stores writes on a separate thread. Writes that arrive while a transaction is synced to the disk are stored
// together in the next one, so that they share a sync. Truncates the log between transactions; a failure to do so fails
// no write. Thread-safe.
class SqliteWriter {
 public:
  // Keeps `lock`, counts what it stores in `commits`, and adds new tenants to `tenants`; they must outlive it.
  // `tenant_count` is the number of tenants in the database.
  SqliteWriter(SqliteConnection connection, SqliteLog log, FileLock& lock, CommitsFile& commits, TenantList& tenants,
               const HistoryLimits& history, int64_t tenant_count, Clock clock);
  // Finishes the queued writes, and writes the log into the database, unless the database is no longer at its path, the
  // log was cut, or another process has used the registry.
  ~SqliteWriter();
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  // RegistryStore::Commit(). If a transaction of several writes fails, each is retried in its own transaction, so that
  // only the writes that cannot be stored fail.
  absl::StatusOr<RevisionRange> Commit(const TenantId& tenant, const RegistryCommit& commit);

  // RegistryStore::CheckWritable(). Returns STORAGE_FULL of the last write, once. Otherwise syncs the disk if the last
  // transaction failed or is ten seconds old, and else only looks for what would make a write fail.
  absl::Status CheckWritable();

  SqliteStats stats() const;

 private:
  struct Write;
  struct Check;

  // What the thread does next. Nothing: it must end.
  struct Work {
    std::vector<Write*> writes;  // for the next transaction
    std::vector<Check*> checks;
  };

  void Run();
  Work WaitForWork();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ending_ || !queue_.empty() || !checks_.empty(); }
  // The state of the log. STORAGE_UNAVAILABLE: nothing can be written to the database anymore.
  absl::StatusOr<SqliteLog::State> CheckFiles();
  void Store(absl::Span<Write* const> writes);
  absl::Status TryWriting();
  // `log` is the log before the transaction.
  absl::Status StoreIn(SqliteTransaction& transaction, const SqliteLog::State& log, absl::Span<Write* const> writes);

  static int OnCommitHook(void* writer, sqlite3* handle, const char* database, int frames);
  void TruncateLongLog();
  // For a database that is no longer at its path.
  void AbandonMovedDatabase();
  // For a log that was removed or cut, as `failure` says. The writer stores nothing from now on.
  void AbandonLog(const absl::Status& failure);
  // For a registry whose lock another process holds, as `failure` says. The writer stores nothing from now on.
  void AbandonLock(const absl::Status& failure);

  // Used by thread_ only.
  SqliteConnection connection_;
  const SqliteLog log_;
  FileLock& lock_;
  absl::Status lasting_failure_;  // not OK: nothing is stored anymore
  int log_frames_ = 0;
  bool log_is_long_ = false;
  absl::Duration next_cut_ = -absl::InfiniteDuration();  // steady time
  int next_cut_frames_ = 0;
  TenantSizes sizes_;
  bool has_failed_ = false;          // the last transaction
  absl::Status unreported_failure_;  // STORAGE_FULL of the last transaction, if no check has returned it yet
  absl::Duration last_transaction_ = -absl::InfiniteDuration();  // steady time

  CommitsFile& commits_;
  TenantList& tenants_;
  const HistoryLimits history_;
  const Clock clock_;
  mutable absl::Mutex mutex_;
  std::deque<Write*> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<Check*> checks_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  SqliteStats stats_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_WRITER_H_
