// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_epoch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/registry_store.h"
#include "server/registry/storage/revision_range.h"
#include "server/registry/storage/sqlite_registry.h"

namespace qconfig {
namespace {

absl::StatusOr<int64_t> ReadInt(SqliteConnection& connection, absl::string_view sql) {
  SqliteQuery query(connection, sql);
  const bool found = query.Next();
  if (!query.status().ok()) return query.status();
  if (!found) return StorageUnavailable(absl::StrCat(connection.path(), " is damaged: the epoch is missing"));
  return query.Int(0);
}

}  // namespace

absl::Status MarkAsBackup(SqliteConnection& connection) { return connection.Execute("UPDATE meta SET is_backup = 1"); }

absl::StatusOr<int64_t> BeginSqliteEpoch(SqliteConnection& connection, CommitsFile& commits, absl::Time now) {
  absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginWrite(connection);
  if (!transaction.ok()) return transaction.status();
  const absl::StatusOr<int64_t> in_file =
      ReadInt(connection, "SELECT max(epoch, (SELECT ifnull(max(revision), 0) FROM tenants)) FROM meta");
  if (!in_file.ok()) return in_file.status();
  // The upper bound for the revision of a commit that was counted but lost.
  const CommitCount counted = commits.count();
  const int64_t counted_revision = counted.epoch + counted.commits + 1;
  const int64_t epoch = FirstOfEpoch(now, std::max(*in_file, counted_revision));
  const absl::Status set = SqliteQuery(connection, "UPDATE meta SET epoch = ?, is_backup = 0", epoch).Run();
  if (!set.ok()) return set;
  if (absl::Status committed = transaction->Commit(); !committed.ok()) return committed;
  commits.SetEpoch(epoch);
  return epoch;
}

absl::Status BeginEpochIfRestored(SqliteConnection& connection, CommitsFile& commits, absl::Time now,
                                  const std::function<void(const std::string&)>& warn) {
  const absl::StatusOr<int64_t> is_backup = ReadInt(connection, "SELECT is_backup FROM meta");
  if (!is_backup.ok()) return is_backup.status();
  const absl::StatusOr<int64_t> in_file = ReadInt(connection, "SELECT epoch FROM meta");
  if (!in_file.ok()) return in_file.status();
  const absl::StatusOr<int64_t> writes = CountWrites(connection);
  if (!writes.ok()) return writes.status();
  const CommitCount counted = commits.count();
  absl::StatusOr<int64_t> epoch = in_file;
  if (*is_backup != 0 || CommitCount{*in_file, *writes}.IsBefore(counted)) {
    epoch = BeginSqliteEpoch(connection, commits, now);
    if (!epoch.ok()) return epoch.status();
    std::string why = absl::StrCat(" has ", *writes, " commits, but ", counted.commits,
                                   " were counted: it was replaced by an older copy, or commits were lost");
    if (*in_file < counted.epoch) why = " belongs to an earlier epoch: it was replaced by an older copy";
    if (*is_backup != 0) why = " is a restored backup";
    warn(absl::StrCat("new epoch: ", connection.path(), why, "; new revisions begin at ", *epoch));
  }
  commits.Set({*epoch, *writes});
  return absl::OkStatus();
}

}  // namespace qconfig
