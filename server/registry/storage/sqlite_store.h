// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_STORE_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/registry/storage/commits_file.h"
#include "server/registry/storage/durable_files.h"
#include "server/registry/storage/file_lock.h"
#include "server/registry/storage/registry_store.h"
#include "server/registry/storage/sqlite_read_pool.h"
#include "server/registry/storage/sqlite_writer.h"

namespace qconfig {

struct SqliteOptions {
  std::string path;
  HistoryLimits history;
  // How long to wait for locks that other programs take on the file; backups take none that matter.
  absl::Duration busy_timeout = absl::Seconds(5);
  // What the file may not grow beyond; a write that needs more is STORAGE_FULL. 0: the disk is the limit.
  int64_t max_bytes = 0;
  Clock clock;
  // Is called with a sentence when opening the file begins a new epoch.
  std::function<void(const std::string&)> warn = [](const std::string&) {};
};

// Keeps all tenants in one SQLite file. What was committed survives the end of the process, however it comes, and a
// crash of the machine if its disk keeps what it has synced. Readers see one revision, and wait for no writer.
//
// Beside the file stand `-wal` and `-shm`, which belong to it and go when the store ends, `.lock`, which keeps a second
// server away, and `.commits`, which CommitsFile describes. The log `-wal` is cut when it has grown beyond 16 MiB and
// nobody reads from it for long. To copy a file that is in use, BackupSqlite(). When the file is moved, replaced or
// removed while it is open, writes are STORAGE_UNAVAILABLE, and what stands in its place is left as it is. Thread-safe.
class SqliteStore : public RegistryStore {
 public:
  // Opens the file; creates it, and directories above it, for the owner only, where they are missing. Begins a new
  // epoch if the file is a backup, or has fewer commits than were counted beside it. kFailedPrecondition: another
  // process has it open, or it is not a registry, damaged, of a later release, a directory or a file of several names.
  // The message says what to do, and the file is as it was. STORAGE_UNAVAILABLE, STORAGE_FULL: it cannot be opened.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const SqliteOptions& options);

  // Finishes the writes that are queued. REQUIRES: nobody reads, or begins to write.
  ~SqliteStore() override = default;

  absl::StatusOr<RevisionRange> Commit(const TenantId& tenant, const RegistryCommit& commit) override;
  absl::StatusOr<int64_t> BeginEpoch() override;
  absl::StatusOr<RevisionRange> Revisions(const TenantId& tenant) const override;
  absl::StatusOr<RegistryState> Load(const TenantId& tenant, int64_t revision) const override;
  absl::StatusOr<std::vector<v1::ChangeRecord>> ChangesSince(const TenantId& tenant, int64_t revision,
                                                             size_t max_changes) const override;
  absl::StatusOr<std::optional<RegistryCommit>> FindRequest(const TenantId& tenant,
                                                            const std::string& request_id) const override;
  int64_t writes() const override { return commits_->count().commits; }

  // The first number of its epoch; 0: the first epoch.
  int64_t epoch() const { return commits_->count().epoch; }
  SqliteStats stats() const { return writer_.stats(); }

 private:
  SqliteStore(FileLock lock, const std::string& path, const FileFacts& file, SqliteConnection connection,
              std::unique_ptr<CommitsFile> commits, const SqliteOptions& options);

  // In this order: the lock is let go last, and the writer ends when nobody reads any more.
  const FileLock lock_;
  const std::string path_;
  const absl::Duration busy_timeout_;
  const Clock clock_;
  const std::unique_ptr<CommitsFile> commits_;
  SqliteWriter writer_;
  mutable SqliteReadPool readers_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_STORE_H_
