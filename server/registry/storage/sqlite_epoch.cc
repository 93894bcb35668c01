// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_epoch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/revision_range.h"
#include "server/registry/storage/sqlite_rows.h"
#include "server/registry/storage/tenant_list.h"

namespace qconfig {

absl::Status MarkAsBackup(SqliteConnection& connection) {
  absl::StatusOr<MetaRow> meta = ReadMeta(connection);
  if (!meta.ok()) return meta.status();
  meta->is_backup = 1;
  return WriteMeta(connection, *meta);
}

absl::StatusOr<int64_t> BeginSqliteEpoch(SqliteConnection& connection, CommitsFile& commits, absl::Time now) {
  absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginWrite(connection);
  if (!transaction.ok()) return transaction.status();
  absl::StatusOr<MetaRow> meta = ReadMeta(connection);
  if (!meta.ok()) return meta.status();
  TenantList names;  // unused
  const absl::StatusOr<TenantTotals> tenants = ReadTenants(connection, names, [](const std::string&) {});
  if (!tenants.ok()) return tenants.status();
  // The upper bound for the revision of a commit that was counted but lost.
  const CommitCount counted = commits.count();
  const int64_t counted_revision = counted.epoch + counted.commits + 1;
  meta->epoch = FirstOfEpoch(now, std::max({meta->epoch, tenants->newest_revision, counted_revision}));
  meta->is_backup = 0;
  if (absl::Status set = WriteMeta(connection, *meta); !set.ok()) return set;
  if (absl::Status committed = transaction->Commit(); !committed.ok()) return committed;
  commits.SetEpoch(meta->epoch);
  return meta->epoch;
}

absl::Status BeginEpochIfRestored(SqliteConnection& connection, CommitsFile& commits, const TenantTotals& tenants,
                                  absl::Time now, const std::function<void(const std::string&)>& warn) {
  const absl::StatusOr<MetaRow> meta = ReadMeta(connection);
  if (!meta.ok()) return meta.status();
  const CommitCount counted = commits.count();
  // Damaged rows are no older copy.
  const int64_t writes = tenants.is_complete ? tenants.commits : std::max(tenants.commits, counted.commits);
  absl::StatusOr<int64_t> epoch = meta->epoch;
  if (meta->is_backup != 0 || CommitCount{meta->epoch, writes}.IsBefore(counted)) {
    epoch = BeginSqliteEpoch(connection, commits, now);
    if (!epoch.ok()) return epoch.status();
    std::string why = absl::StrCat(" has ", writes, " commits, but ", counted.commits,
                                   " were counted: it was replaced by an older copy, or commits were lost");
    if (meta->epoch < counted.epoch) why = " belongs to an earlier epoch: it was replaced by an older copy";
    if (meta->is_backup != 0) why = " is a restored backup";
    warn(absl::StrCat("new epoch: ", connection.path(), why, "; new revisions begin at ", *epoch));
  }
  commits.Set({*epoch, writes});
  return absl::OkStatus();
}

}  // namespace qconfig
