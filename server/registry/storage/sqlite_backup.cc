// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_backup.h"

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/registry/storage/durable_files.h"
#include "server/registry/storage/sqlite_connection.h"
#include "server/registry/storage/sqlite_epoch.h"
#include "server/registry/storage/sqlite_schema.h"

namespace qconfig {
namespace {

constexpr absl::Duration kBusyTimeout = absl::Seconds(30);

// Copies in one step, so that the copy is consistent while others write.
absl::Status CopyPages(SqliteConnection& from, SqliteConnection& to) {
  sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
  if (backup == nullptr) return to.ToStatus(sqlite3_extended_errcode(to.handle()));
  const int stepped = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (finished != SQLITE_OK) return to.ToStatus(finished);
  return stepped == SQLITE_DONE ? absl::OkStatus() : to.ToStatus(stepped);
}

// Makes a copy of `from` that is one file, without a log, and marked as a backup. Damage found in the copy is reported
// as damage of `from`.
absl::Status CopyTo(SqliteConnection& from, const std::string& path) {
  absl::StatusOr<SqliteConnection> copy =
      SqliteConnection::Open(path, SqliteConnection::Mode::kWrite, absl::ZeroDuration());
  if (!copy.ok()) return copy.status();
  if (absl::Status copied = CopyPages(from, *copy); !copied.ok()) return copied;
  if (absl::Status set = copy->Execute("PRAGMA journal_mode = DELETE"); !set.ok()) return set;
  if (absl::Status checked = CheckRegistry(*copy, from.path(), /*thorough=*/true); !checked.ok()) return checked;
  if (absl::Status migrated = Migrate(*copy, SqliteMigrations()); !migrated.ok()) return migrated;
  if (absl::Status verified = CheckRows(*copy, from.path()); !verified.ok()) return verified;
  return MarkAsBackup(*copy);
}

absl::Status CheckNames(const std::string& from, const std::string& to) {
  if (absl::Status there = CheckRegistryFileExists(from); !there.ok()) return there;
  for (const char* suffix : {"", "-wal", "-journal"}) {
    const absl::StatusOr<int64_t> taken = FileSize(to + suffix);
    if (!taken.ok()) return taken.status();
    if (*taken >= 0) return PathExists(to + suffix);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status BackupSqlite(const std::string& from_path, const std::string& to_path) {
  const absl::StatusOr<std::string> from = CanonicalPath(from_path);
  if (!from.ok()) return from.status();
  const absl::StatusOr<std::string> to = CanonicalPath(to_path);
  if (!to.ok()) return to.status();
  if (absl::Status named = CheckNames(*from, *to); !named.ok()) return named;
  absl::StatusOr<SqliteConnection> source = SqliteConnection::Open(*from, SqliteConnection::Mode::kRead, kBusyTimeout);
  if (!source.ok()) return source.status();
  const absl::StatusOr<int64_t> log_size = FileSize(*from + "-wal");
  if (!log_size.ok()) return log_size.status();
  source->KeepLogOnClose(*log_size > 0);  // a server will write it into the file
  if (absl::Status checked = CheckRegistry(*source, *from, /*thorough=*/false); !checked.ok()) return checked;

  const absl::StatusOr<std::string> unfinished = CreateUnfinishedFile(*to);
  if (!unfinished.ok()) return unfinished.status();
  const absl::Cleanup remove = [&unfinished] { RemoveDatabase(*unfinished); };
  if (absl::Status copied = CopyTo(*source, *unfinished); !copied.ok()) return copied;
  return PublishFile(*unfinished, *to);
}

}  // namespace qconfig
