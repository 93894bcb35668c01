// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/sqlite_entries.h"
#include "server/registry/storage/sqlite_rows.h"

namespace qconfig {
namespace {

struct Tenant {
  TenantRow row;  // without `gaps`; id 0: the tenant has no writes
  RevisionRange range;
};

absl::StatusOr<Tenant> FindTenant(SqliteConnection& connection, const TenantList& tenants, const TenantId& tenant) {
  const bool may_exist = tenants.MayExist(tenant.name());  // asked first, because the writer may add the tenant now
  SqliteQuery query(
      connection,
      "SELECT epoch, is_backup, tenant_count, meta.checksum, id, tenants.revision, first_revision, commits, gaps, "
      "next_position, tenants.state, first_state, tenants.checksum, changes.revision, time, request_id, "
      "request_digest, value, changes.state, changes.checksum FROM meta LEFT JOIN tenants ON name = ? "
      "LEFT JOIN changes ON changes.tenant = tenants.id AND changes.revision = tenants.revision",
      tenant.name());
  const bool has_epoch = query.Next();
  if (!query.status().ok()) return query.status();
  if (!has_epoch) return StorageDamaged("the row with the epoch is missing");
  const absl::StatusOr<MetaRow> meta = ReadMetaRow(query, 0);
  if (!meta.ok()) return meta.status();
  Tenant found;
  if (query.Int(4) == 0 && may_exist)
    return TenantDamaged(tenant.name(), "its row is missing, or the rows of some tenants are damaged");
  if (query.Int(4) != 0) {
    absl::StatusOr<TenantRow> row = ReadTenantRow(query, 4, tenant.name());
    if (!row.ok()) return row.status();
    found.row = *std::move(row);
    absl::StatusOr<RevisionRange> range = RangeOf(found.row);
    if (!range.ok()) return range.status();
    found.range = *std::move(range);
    // A damaged time must not move those of later changes. ReadChanges() reports it.
    const bool has_change = !query.IsNull(13);
    if (has_change && ReadChangeRow(query, 13, tenant.name()).ok()) {
      found.range.newest_time = absl::FromUnixMicros(query.Int(14));
    }
  }
  SetNext(found.range, meta->epoch);
  return found;
}

// Inserts a row with an id, which WriteTenant() completes.
absl::Status InsertTenant(SqliteConnection& connection, const TenantId& tenant, TenantRow& inserted) {
  SqliteQuery query(connection, "INSERT INTO tenants (name, revision, first_revision) VALUES (?, 1, 1)", tenant.name());
  if (absl::Status run = query.Run(); !run.ok()) return run;
  inserted.id = sqlite3_last_insert_rowid(connection.handle());
  absl::StatusOr<MetaRow> meta = ReadMeta(connection);
  if (!meta.ok()) return meta.status();
  ++meta->tenant_count;
  return WriteMeta(connection, *meta);
}

absl::StatusOr<bool> HasRequest(SqliteConnection& connection, int64_t tenant, const std::string& request_id) {
  SqliteQuery query(connection, "SELECT 1 FROM changes WHERE tenant = ? AND request_id = ? AND request_id <> ''",
                    tenant, request_id);
  const bool found = query.Next();
  if (!query.status().ok()) return query.status();
  return found;
}

// The state at a revision that a change has led to.
absl::StatusOr<int64_t> ReadStateAfter(SqliteConnection& connection, const TenantId& name, int64_t tenant,
                                       int64_t revision) {
  SqliteQuery query(connection,
                    "SELECT revision, time, request_id, request_digest, value, state, checksum FROM changes "
                    "WHERE tenant = ? AND revision = ?",
                    tenant, revision);
  const bool found = query.Next();
  if (!query.status().ok()) return query.status();
  if (!found) return TenantDamaged(name.name(), absl::StrCat("the change of revision ", revision, " is missing"));
  const absl::StatusOr<ChangeRow> row = ReadChangeRow(query, 0, name.name());
  if (!row.ok()) return row.status();
  return row->state;
}

absl::Status Forget(SqliteConnection& connection, int64_t tenant, int64_t first) {
  absl::Status status =
      SqliteQuery(connection, "DELETE FROM changes WHERE tenant = ? AND revision <= ?", tenant, first).Run();
  if (!status.ok()) return status;
  return SqliteQuery(connection, "DELETE FROM entries WHERE tenant = ? AND until <= ?", tenant, first).Run();
}

absl::StatusOr<TenantSize> FindSize(SqliteConnection& connection, int64_t tenant, const TenantSizes& sizes) {
  const auto known = sizes.find(tenant);
  if (known != sizes.end()) return known->second;
  // SQLite finds the length of a value without reading it.
  SqliteQuery query(connection, "SELECT ifnull(sum(length(value)), 0) FROM changes WHERE tenant = ?", tenant);
  query.Next();
  if (!query.status().ok()) return query.status();
  const absl::StatusOr<EntryBytes> entries = ReadEntryBytes(connection, tenant);
  if (!entries.ok()) return entries.status();
  return TenantSize{query.Int(0), *entries};
}

// Removes what is beyond the limits from history, as far as one write removes it. `size` is that with the write.
absl::Status LimitHistory(SqliteConnection& connection, const TenantId& name, const RegistryCommit& commit,
                          const HistoryLimits& limits, Tenant& tenant, TenantSize& size) {
  RevisionRange& range = tenant.range;
  HistoryRemoval removal(limits, commit, WritesBetween(range, range.first, range.newest), size.history,
                         size.entries.all());
  const int64_t expired_up_to = absl::ToUnixMicros(commit.expired_up_to);
  const int64_t old_first = range.first;
  {
    SqliteQuery query(connection,
                      "SELECT revision, time, request_id, request_digest, value, state, checksum, length(value) "
                      "FROM changes WHERE tenant = ? AND revision > ? ORDER BY revision",
                      tenant.row.id, range.first);
    while (query.Next()) {
      // A damaged time must not remove history.
      if (query.Int(1) <= expired_up_to) {
        if (const auto expired = ReadChangeRow(query, 0, name.name()); !expired.ok()) return expired.status();
      }
      if (!removal.Remove(query.Int(1), query.Int(7))) break;
      range.first = query.Int(0);
      const absl::StatusOr<int64_t> dropped = ReadBytesUntil(connection, tenant.row.id, range.first);
      if (!dropped.ok()) return dropped.status();
      removal.DropVersions(*dropped);
      size.entries.earlier -= *dropped;
    }
    if (!query.status().ok()) return query.status();
  }
  size.history = removal.bytes();
  if (range.first == old_first) return absl::OkStatus();
  const absl::StatusOr<int64_t> first_state = ReadStateAfter(connection, name, tenant.row.id, range.first);
  if (!first_state.ok()) return first_state.status();
  tenant.row.first_state = *first_state;
  return Forget(connection, tenant.row.id, range.first);
}

bool Parse(absl::string_view value, int64_t revision, v1::ChangeRecord& record) {
  return record.ParseFromArray(value.data(), static_cast<int>(value.size())) && record.revision() == revision;
}

absl::Status UnreadableChange(const TenantId& tenant, int64_t revision) {
  return TenantDamaged(tenant.name(),
                       absl::StrCat("the change of revision ", revision, " is missing or cannot be read"));
}

// The time of the newest change of all tenants that is not damaged. absl::InfinitePast(): there is none.
absl::StatusOr<absl::Time> ReadNewestTime(SqliteConnection& connection) {
  SqliteQuery newest(connection,
                     "SELECT name, changes.rowid FROM tenants "
                     "JOIN changes ON changes.tenant = tenants.id AND changes.revision = tenants.revision "
                     "ORDER BY time DESC");
  while (newest.Next()) {
    SqliteQuery change(connection,
                       "SELECT revision, time, request_id, request_digest, value, state, checksum FROM changes "
                       "WHERE rowid = ?",
                       newest.Int(1));
    if (change.Next() && ReadChangeRow(change, 0, newest.Bytes(0)).ok()) return absl::FromUnixMicros(change.Int(1));
  }
  if (!newest.status().ok()) return newest.status();
  return absl::InfinitePast();
}

}  // namespace

absl::StatusOr<RevisionRange> WriteCommit(SqliteConnection& connection, const TenantList& tenants,
                                          const TenantId& tenant, const RegistryCommit& commit,
                                          const std::string& serialized_record, const HistoryLimits& history,
                                          TenantSizes& sizes) {
  const v1::ChangeRecord& record = commit.record;
  absl::StatusOr<Tenant> found = FindTenant(connection, tenants, tenant);
  if (!found.ok()) return found.status();
  TenantRow& row = found->row;
  if (record.revision() != found->range.next) return Conflict(tenant, found->range.next);
  const absl::StatusOr<bool> has_request = HasRequest(connection, row.id, record.request_id());
  if (!has_request.ok()) return has_request.status();
  if (*has_request) return RequestIdTaken(tenant, record.request_id());
  absl::StatusOr<TenantSize> size =
      row.id == 0 ? absl::StatusOr<TenantSize>(TenantSize()) : FindSize(connection, row.id, sizes);
  if (!size.ok()) return size.status();
  const absl::Status quota = CheckTenantBytes(tenant, record, size->entries.current, history);
  if (!quota.ok()) return quota;

  if (row.id == 0) {
    if (absl::Status inserted = InsertTenant(connection, tenant, row); !inserted.ok()) return inserted;
  }
  if (absl::Status written = WriteEntries(connection, tenant, record, found->range.newest == 1, row, size->entries);
      !written.ok())
    return written;
  const ChangeRow change = {record.revision(),     HistoryTime(record), record.request_id(),
                            commit.request_digest, serialized_record,   row.state};
  absl::Status status =
      SqliteQuery(connection,
                  "INSERT INTO changes (tenant, revision, time, request_id, request_digest, value, state, checksum) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  row.id, change.revision, change.time, change.request_id, SqliteQuery::Blob{change.request_digest},
                  SqliteQuery::Blob{change.value}, change.state, ChecksumOfChange(tenant.name(), change))
          .Run();
  if (!status.ok()) return status;

  AddRevision(found->range, HistoryTime(record));
  size->history += static_cast<int64_t>(serialized_record.size());
  status = LimitHistory(connection, tenant, commit, history, *found, *size);
  if (!status.ok()) return status;
  sizes[row.id] = *size;
  row.revision = found->range.newest;
  row.first_revision = found->range.first;
  ++row.commits;
  row.gaps = GapsToText(found->range.gaps);
  status = WriteTenant(connection, tenant.name(), row);
  if (!status.ok()) return status;
  found->range.disk_bytes = size->history + size->entries.all();
  return found->range;
}

absl::StatusOr<RevisionRange> ReadRevisions(SqliteConnection& connection, const TenantList& tenants,
                                            const TenantId& tenant) {
  const absl::StatusOr<Tenant> found = FindTenant(connection, tenants, tenant);
  if (!found.ok()) return found.status();
  return found->range;
}

absl::StatusOr<RegistryState> ReadState(SqliteConnection& connection, const TenantList& tenants, const TenantId& tenant,
                                        int64_t revision) {
  const absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginRead(connection);
  if (!transaction.ok()) return transaction.status();
  const absl::StatusOr<Tenant> found = FindTenant(connection, tenants, tenant);
  if (!found.ok()) return found.status();
  const RevisionRange& range = found->range;
  if (revision == 0) revision = range.newest;
  if (absl::Status readable = CheckReadable(tenant, range, revision); !readable.ok()) return readable;
  if (found->row.id == 0) return RegistryState();
  absl::StatusOr<int64_t> state = revision == range.newest ? found->row.state : found->row.first_state;
  if (revision != range.newest && revision != range.first) {
    state = ReadStateAfter(connection, tenant, found->row.id, revision);
  }
  if (!state.ok()) return state.status();
  return ReadEntries(connection, tenant, found->row.id, revision, *state);
}

absl::StatusOr<std::vector<v1::ChangeRecord>> ReadChanges(SqliteConnection& connection, const TenantList& tenants,
                                                          const TenantId& tenant, int64_t revision,
                                                          size_t max_changes) {
  const absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginRead(connection);
  if (!transaction.ok()) return transaction.status();
  const absl::StatusOr<Tenant> found = FindTenant(connection, tenants, tenant);
  if (!found.ok()) return found.status();
  if (absl::Status readable = CheckReadable(tenant, found->range, revision); !readable.ok()) return readable;
  std::vector<v1::ChangeRecord> changes;
  SqliteQuery query(connection,
                    "SELECT revision, time, request_id, request_digest, value, state, checksum FROM changes "
                    "WHERE tenant = ? AND revision > ? ORDER BY revision",
                    found->row.id, revision);
  while (changes.size() < max_changes && query.Next()) {
    const absl::StatusOr<ChangeRow> row = ReadChangeRow(query, 0, tenant.name());
    if (!row.ok()) return row.status();
    // If a row is missing, the next row's record has another revision.
    revision = RevisionAfter(found->range, revision, 1);
    if (!Parse(row->value, revision, changes.emplace_back())) return UnreadableChange(tenant, revision);
  }
  if (!query.status().ok()) return query.status();
  if (changes.size() < max_changes && revision != found->range.newest) {
    return UnreadableChange(tenant, RevisionAfter(found->range, revision, 1));
  }
  return changes;
}

absl::StatusOr<int64_t> ReadLastRevisionWith(SqliteConnection& connection, const TenantList& tenants,
                                             const TenantId& tenant, EntryType type, const std::string& name,
                                             int64_t revision) {
  const absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginRead(connection);
  if (!transaction.ok()) return transaction.status();
  const absl::StatusOr<Tenant> found = FindTenant(connection, tenants, tenant);
  if (!found.ok()) return found.status();
  const EntryKind kind = type == EntryType::kScheme ? kSchemeEntry : kTemplateEntry;
  SqliteQuery query(
      connection,
      "SELECT ifnull(max(until), 0) FROM (SELECT until, kind, name FROM entries INDEXED BY entries_in_order "
      "WHERE tenant = ? AND until <= ? ORDER BY until DESC LIMIT ?) WHERE kind = ? AND name = ?",
      found->row.id, revision, kMaxEarlierVersions, int64_t{kind}, name);
  const bool has_row = query.Next();
  if (!query.status().ok()) return query.status();
  const int64_t removed = has_row ? query.Int(0) : 0;
  return removed == 0 ? 0 : RevisionBefore(found->range, removed, 1);
}

absl::StatusOr<std::optional<RegistryCommit>> ReadRequest(SqliteConnection& connection, const TenantList& tenants,
                                                          const TenantId& tenant, const std::string& request_id) {
  const absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginRead(connection);
  if (!transaction.ok()) return transaction.status();
  const absl::StatusOr<Tenant> found = FindTenant(connection, tenants, tenant);
  if (!found.ok()) return found.status();
  SqliteQuery query(connection,
                    "SELECT revision, time, request_id, request_digest, value, state, checksum FROM changes "
                    "WHERE tenant = ? AND request_id = ? AND request_id <> ''",
                    found->row.id, request_id);
  const bool has_request = query.Next();
  if (!query.status().ok()) return query.status();
  if (!has_request) return std::optional<RegistryCommit>();
  const absl::StatusOr<ChangeRow> row = ReadChangeRow(query, 0, tenant.name());
  if (!row.ok()) return row.status();
  // A damaged index finds the row of another request.
  if (row->request_id != request_id) return TenantDamaged(tenant.name(), "the index of its requests is wrong");
  RegistryCommit commit;
  if (!Parse(row->value, row->revision, commit.record)) return UnreadableChange(tenant, row->revision);
  commit.request_digest = std::string(row->request_digest);
  return std::optional<RegistryCommit>(std::move(commit));
}

absl::StatusOr<TenantTotals> ReadTenants(SqliteConnection& connection, TenantList& tenants,
                                         const DamageListener& on_damage) {
  const absl::StatusOr<MetaRow> meta = ReadMeta(connection);
  if (!meta.ok()) return meta.status();
  TenantTotals totals;
  const auto note = [&](const absl::Status& damaged) {
    tenants.SetIncomplete();
    totals.is_complete = false;
    on_damage(DamageIn(damaged).value_or(std::string(damaged.message())));
  };
  int64_t rows = 0;
  SqliteQuery query(connection,
                    "SELECT name, id, revision, first_revision, commits, gaps, next_position, state, first_state, "
                    "checksum FROM tenants NOT INDEXED");
  for (; query.Next(); ++rows) {
    tenants.Add(query.Bytes(0));
    const absl::StatusOr<TenantRow> row = ReadTenantRow(query, 1, query.Bytes(0));
    if (!row.ok()) {
      note(row.status());
      continue;
    }
    totals.commits += row->commits;
    totals.newest_revision = std::max(totals.newest_revision, row->revision);
  }
  if (DamageIn(query.status()).has_value()) {
    note(query.status());
  } else if (!query.status().ok()) {
    return query.status();
  } else if (rows != meta->tenant_count) {
    note(StorageDamaged(absl::StrCat("the file has ", rows, " tenants instead of ", meta->tenant_count)));
  }
  totals.tenants = rows;
  const absl::StatusOr<absl::Time> newest_write = ReadNewestTime(connection);
  if (newest_write.ok()) {
    totals.newest_write = *newest_write;
  } else if (const auto damage = DamageIn(newest_write.status()); damage.has_value()) {
    on_damage(*damage);
  } else {
    return newest_write.status();
  }
  return totals;
}

}  // namespace qconfig
