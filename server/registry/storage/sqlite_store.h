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
#include "server/registry/storage/sqlite_registry.h"
#include "server/registry/storage/sqlite_scrubber.h"
#include "server/registry/storage/sqlite_writer.h"
#include "server/registry/storage/storage_damage.h"
#include "server/registry/storage/tenant_list.h"

namespace qconfig {

struct SqliteOptions {
  std::string path;
  HistoryLimits history;
  // How long to wait for locks of other programs on the file. Backups do not block the store.
  absl::Duration busy_timeout = absl::Seconds(5);
  // The maximum size of the file; a write that needs more is STORAGE_FULL. 0: no limit but the disk.
  int64_t max_bytes = 0;
  Clock clock;
  // Called with the reason if opening the file begins a new epoch.
  std::function<void(const std::string&)> warn = [](const std::string&) {};
  // Called with each damage that is found.
  DamageListener on_damage = [](const std::string&) {};
  // Smaller files are checked completely when they are opened, which takes about a second for this size.
  int64_t max_checked_bytes = int64_t{256} << 20;
  // How long to wait between two passes that look for damage in the background. 0: there is no background thread.
  absl::Duration scrub_interval = absl::ZeroDuration();
};

// Keeps all tenants in one SQLite file. Commits survive any end of the process, and a crash of the machine if the disk
// keeps what it has synced. A read sees one revision, and does not wait for writers.
//
// Beside the file are `-wal` and `-shm`, which belong to it and are removed when the store is closed; `.lock`, see
// FileLock; and `.commits`, see CommitsFile. The log `-wal` is truncated when it is larger than 16 MiB and no reader
// needs it for long. Use BackupSqlite() to copy a file that is in use. If the file is moved, replaced or removed while
// it is open, writes are STORAGE_UNAVAILABLE, and a file that has replaced it is not changed. Thread-safe.
class SqliteStore : public RegistryStore {
 public:
  // Opens the file; creates it and the directories above it if they are missing, for the owner only. Begins a new epoch
  // if the file is a backup, or has fewer commits than `.commits` counted. kFailedPrecondition: another process has the
  // file open, or it is not a registry, is damaged, belongs to a later release, is a directory or has several hard
  // links. The message says what to do, and nothing has changed. STORAGE_UNAVAILABLE, STORAGE_FULL: it cannot be
  // opened.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const SqliteOptions& options);

  // Finishes the queued writes. REQUIRES: no other method is running.
  ~SqliteStore() override = default;

  absl::StatusOr<RevisionRange> Commit(const TenantId& tenant, const RegistryCommit& commit) override;
  absl::StatusOr<int64_t> BeginEpoch() override;
  absl::Status CheckWritable() override { return writer_.CheckWritable(); }
  absl::StatusOr<RevisionRange> Revisions(const TenantId& tenant) const override;
  absl::StatusOr<RegistryState> Load(const TenantId& tenant, int64_t revision) const override;
  absl::StatusOr<std::vector<v1::ChangeRecord>> ChangesSince(const TenantId& tenant, int64_t revision,
                                                             size_t max_changes) const override;
  absl::StatusOr<std::optional<RegistryCommit>> FindRequest(const TenantId& tenant,
                                                            const std::string& request_id) const override;
  absl::StatusOr<int64_t> LastRevisionWith(const TenantId& tenant, EntryType type, const std::string& name,
                                           int64_t revision) const override;
  int64_t writes() const override { return commits_->count().commits; }
  int64_t tenants() const override { return writer_.stats().tenants; }
  absl::Time newest_when_opened() const override { return newest_when_opened_; }

  // The first number of its epoch; 0: the first epoch.
  int64_t epoch() const { return commits_->count().epoch; }
  SqliteStats stats() const { return writer_.stats(); }

 private:
  SqliteStore(FileLock lock, const std::string& path, const FileFacts& file, SqliteConnection connection, SqliteLog log,
              std::unique_ptr<CommitsFile> commits, std::unique_ptr<TenantList> tenants, const TenantTotals& totals,
              const SqliteOptions& options);

  // Runs `read` on a connection of the pool, and reports damage.
  template <typename Read>
  auto OnReader(Read read) const;

  // In this order: the lock is released last, and the writer ends after all readers.
  FileLock lock_;  // of the writer
  const std::string path_;
  const absl::Duration busy_timeout_;
  const Clock clock_;
  const DamageListener on_damage_;
  const absl::Time newest_when_opened_;
  const std::unique_ptr<CommitsFile> commits_;
  const std::unique_ptr<TenantList> tenants_;
  SqliteWriter writer_;
  mutable SqliteReadPool readers_;
  std::unique_ptr<SqliteScrubber> scrubber_;  // null: none
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_STORE_H_
