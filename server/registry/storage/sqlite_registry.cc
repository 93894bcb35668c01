// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_registry.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "server/registry/storage/checksum.h"
#include "server/registry/storage/sqlite_rows.h"

namespace qconfig {
namespace {

struct Tenant {
  TenantRow row;  // without `gaps`; id 0: the tenant has no writes
  RevisionRange range;
};

absl::Status Damaged(const TenantId& tenant, absl::string_view what) {
  return StorageDamaged(absl::StrCat("tenant ", tenant.name(), ": ", what));
}

absl::StatusOr<Tenant> FindTenant(SqliteConnection& connection, const TenantList& tenants, const TenantId& tenant) {
  const bool may_exist = tenants.MayExist(tenant.name());  // asked first, because the writer may add the tenant now
  SqliteQuery query(
      connection,
      "SELECT epoch, is_backup, tenant_count, meta.checksum, id, tenants.revision, first_revision, commits, gaps, "
      "next_position, tenants.state, first_state, tenants.checksum, time FROM meta LEFT JOIN tenants ON name = ? "
      "LEFT JOIN changes ON changes.tenant = tenants.id AND changes.revision = tenants.revision",
      tenant.name());
  const bool has_epoch = query.Next();
  if (!query.status().ok()) return query.status();
  if (!has_epoch) return StorageDamaged("the row with the epoch is missing");
  const absl::StatusOr<MetaRow> meta = ReadMetaRow(query, 0);
  if (!meta.ok()) return meta.status();
  Tenant found;
  if (query.Int(4) == 0 && may_exist)
    return Damaged(tenant, "its row is missing, or the rows of some tenants are damaged");
  if (query.Int(4) != 0) {
    absl::StatusOr<TenantRow> row = ReadTenantRow(query, 4, tenant.name());
    if (!row.ok()) return row.status();
    found.row = *std::move(row);
    absl::StatusOr<RevisionRange> range = RangeOf(found.row);
    if (!range.ok()) return range.status();
    found.range = *std::move(range);
    if (!query.IsNull(13)) found.range.newest_time = absl::FromUnixMicros(query.Int(13));
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

// Writes the changes of one revision of one tenant, and updates the tenant's state.
class EntryWriter {
 public:
  EntryWriter(SqliteConnection& connection, const TenantId& name, TenantRow& tenant, int64_t revision)
      : connection_(connection), name_(name), tenant_(tenant), revision_(revision) {}

  // Replaces the entry of that name at its position, or appends the entry.
  absl::Status Put(EntryKind kind, absl::string_view name, int64_t since, const std::string& value) {
    const absl::StatusOr<std::optional<int64_t>> replaced = End(kind, name);
    if (!replaced.ok()) return replaced.status();
    const int64_t position = replaced->has_value() ? **replaced : tenant_.next_position++;
    const int64_t checksum = ChecksumOfEntry(name_.name(), {kind, name, position, since, value});
    tenant_.state = AddChecksum(tenant_.state, checksum);
    if (since < revision_) tenant_.first_state = AddChecksum(tenant_.first_state, checksum);
    return SqliteQuery(connection_,
                       "INSERT INTO entries (tenant, kind, name, position, since, until, value, checksum) "
                       "VALUES (?, ?, ?, ?, ?, 9223372036854775807, ?, ?)",
                       tenant_.id, int64_t{kind}, name, position, since, SqliteQuery::Blob{value}, checksum)
        .Run();
  }

  absl::Status Delete(EntryKind kind, absl::string_view name) {
    const absl::StatusOr<std::optional<int64_t>> deleted = End(kind, name);
    if (!deleted.ok() || deleted->has_value()) return deleted.status();
    return CheckMissing(kind, name);
  }

 private:
  // Ends the current version of an entry, and returns its position; nullopt if there is none.
  absl::StatusOr<std::optional<int64_t>> End(EntryKind kind, absl::string_view name) {
    int64_t row = 0;
    int64_t position = 0;
    int64_t since = 0;
    {
      SqliteQuery query(connection_,
                        "SELECT rowid, kind, name, position, since, value, checksum FROM entries "
                        "WHERE tenant = ? AND kind = ? AND name = ? AND until = 9223372036854775807",
                        tenant_.id, int64_t{kind}, name);
      const bool found = query.Next();
      if (!query.status().ok()) return query.status();
      if (!found) return std::optional<int64_t>();
      const absl::StatusOr<EntryRow> entry = ReadEntryRow(query, 1, name_.name());
      if (!entry.ok()) return entry.status();
      row = query.Int(0);
      position = entry->position;
      since = entry->since;
      tenant_.state = RemoveChecksum(tenant_.state, query.Int(6));
    }
    // If one write puts an entry twice, the first version is visible at no revision.
    const absl::Status ended =
        since == revision_
            ? SqliteQuery(connection_, "DELETE FROM entries WHERE rowid = ?", row).Run()
            : SqliteQuery(connection_, "UPDATE entries SET until = ? WHERE rowid = ?", revision_, row).Run();
    if (!ended.ok()) return ended;
    return std::optional<int64_t>(position);
  }

  // Looks in another index, because one can be damaged. A put that misses an entry makes a second one, which readers
  // detect, but nothing would detect a missed deletion. The server only deletes entries that exist, so this is rare.
  absl::Status CheckMissing(EntryKind kind, absl::string_view name) {
    SqliteQuery query(connection_,
                      "SELECT 1 FROM entries INDEXED BY entries_in_order "
                      "WHERE tenant = ? AND until = 9223372036854775807 AND kind = ? AND name = ?",
                      tenant_.id, int64_t{kind}, name);
    const bool found = query.Next();
    if (!query.status().ok() || !found) return query.status();
    return Damaged(name_, absl::StrCat("the index of its entries lacks ", Printable(name, 128)));
  }

  SqliteConnection& connection_;
  const TenantId& name_;
  TenantRow& tenant_;
  const int64_t revision_;
};

absl::Status WriteChange(EntryWriter& entries, const v1::RegistryChange& change, int64_t revision) {
  switch (change.change_case()) {
    case v1::RegistryChange::kPutScheme:
      return entries.Put(kSchemeEntry, change.put_scheme().name(), revision, change.put_scheme().SerializeAsString());
    case v1::RegistryChange::kDeleteScheme:
      return entries.Delete(kSchemeEntry, change.delete_scheme().name());
    case v1::RegistryChange::kPutTemplate:
      return entries.Put(kTemplateEntry, change.put_template().model_type(), revision,
                         change.put_template().SerializeAsString());
    case v1::RegistryChange::kDeleteTemplate:
      return entries.Delete(kTemplateEntry, change.delete_template().model_type());
    case v1::RegistryChange::kSetDefaultCatalog:  // see WriteEntries()
    case v1::RegistryChange::CHANGE_NOT_SET:
      break;
  }
  return absl::OkStatus();
}

absl::Status WriteEntries(SqliteConnection& connection, const TenantId& name, Tenant& tenant,
                          const v1::ChangeRecord& record) {
  EntryWriter entries(connection, name, tenant.row, record.revision());
  // The first default catalogue that the first write sets also applies to revision 1.
  int64_t since = tenant.range.newest == 1 ? 1 : record.revision();
  for (const v1::RegistryChange& change : record.changes()) {
    absl::Status written;
    if (change.has_set_default_catalog()) {
      written = entries.Put(kDefaultCatalogEntry, "", since, change.set_default_catalog());
      since = record.revision();
    } else {
      written = WriteChange(entries, change, record.revision());
    }
    if (!written.ok()) return written;
  }
  return absl::OkStatus();
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
  if (!found) return Damaged(name, absl::StrCat("the change of revision ", revision, " is missing"));
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

// The size of a tenant's history with `added`, which is in the database.
absl::StatusOr<int64_t> HistorySize(SqliteConnection& connection, int64_t tenant, int64_t added,
                                    const HistorySizes& sizes) {
  const auto known = sizes.find(tenant);
  if (known != sizes.end()) return known->second + added;
  // SQLite finds the length of a value without reading it.
  SqliteQuery query(connection, "SELECT ifnull(sum(length(value)), 0) FROM changes WHERE tenant = ?", tenant);
  query.Next();
  if (!query.status().ok()) return query.status();
  return query.Int(0);
}

// Removes what is beyond the limits from history, as far as one write removes it.
absl::Status LimitHistory(SqliteConnection& connection, const TenantId& name, const RegistryCommit& commit,
                          const HistoryLimits& limits, Tenant& tenant, HistorySizes& sizes) {
  RevisionRange& range = tenant.range;
  const auto added = static_cast<int64_t>(commit.record.ByteSizeLong());
  const absl::StatusOr<int64_t> bytes = HistorySize(connection, tenant.row.id, added, sizes);
  if (!bytes.ok()) return bytes.status();
  HistoryRemoval removal(limits, commit, WritesBetween(range, range.first, range.newest), *bytes);
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
    }
    if (!query.status().ok()) return query.status();
  }
  sizes[tenant.row.id] = removal.bytes();
  if (range.first == old_first) return absl::OkStatus();
  const absl::StatusOr<int64_t> first_state = ReadStateAfter(connection, name, tenant.row.id, range.first);
  if (!first_state.ok()) return first_state.status();
  tenant.row.first_state = *first_state;
  return Forget(connection, tenant.row.id, range.first);
}

// Entries of one kind in the order of their positions.
template <typename Entry>
class EntryReader {
 public:
  bool Add(const EntryRow& row, const std::string& (Entry::*name_of)() const) {
    auto entry = std::make_shared<Entry>();
    if (!entry->ParseFromArray(row.value.data(), static_cast<int>(row.value.size()))) return false;
    const std::string& name = ((*entry).*name_of)();
    if (name != row.name || !names_.insert(name).second) return false;
    entries_.emplace_back(row.position, std::move(entry));
    return true;
  }

  std::vector<std::shared_ptr<const Entry>> InOrder() && {
    std::sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::shared_ptr<const Entry>> entries;
    entries.reserve(entries_.size());
    for (auto& [position, entry] : entries_) entries.push_back(std::move(entry));
    return entries;
  }

 private:
  std::vector<std::pair<int64_t, std::shared_ptr<const Entry>>> entries_;
  absl::flat_hash_set<absl::string_view> names_;  // of entries_
};

// `state` is the sum of the checksums that the entries must have.
absl::StatusOr<RegistryState> ReadEntries(SqliteConnection& connection, const TenantId& tenant, int64_t id,
                                          int64_t revision, int64_t state) {
  EntryReader<v1::Scheme> schemes;
  EntryReader<v1::LlmTemplate> templates;
  std::string default_catalog;
  int64_t found_state = 0;
  SqliteQuery query(connection,
                    "SELECT kind, name, position, since, value, checksum FROM entries "
                    "WHERE tenant = ? AND until > ? AND since <= ?",
                    id, revision, revision);
  while (query.Next()) {
    const absl::StatusOr<EntryRow> row = ReadEntryRow(query, 0, tenant.name());
    if (!row.ok()) return row.status();
    found_state = AddChecksum(found_state, query.Int(5));
    bool valid = false;
    if (row->kind == kSchemeEntry) valid = schemes.Add(*row, &v1::Scheme::name);
    if (row->kind == kTemplateEntry) valid = templates.Add(*row, &v1::LlmTemplate::model_type);
    if (row->kind == kDefaultCatalogEntry) {
      default_catalog = std::string(row->value);
      valid = true;
    }
    if (!valid) return Damaged(tenant, absl::StrCat(DescribedEntry(*row), " cannot be read, or exists twice"));
  }
  if (!query.status().ok()) return query.status();
  if (found_state != state) {
    return Damaged(tenant,
                   absl::StrCat("revision ", revision, " lacks an entry or has one that does not belong to it"));
  }
  return RegistryState(revision, std::move(default_catalog), std::move(schemes).InOrder(),
                       std::move(templates).InOrder());
}

bool Parse(absl::string_view value, int64_t revision, v1::ChangeRecord& record) {
  return record.ParseFromArray(value.data(), static_cast<int>(value.size())) && record.revision() == revision;
}

absl::Status UnreadableChange(const TenantId& tenant, int64_t revision) {
  return Damaged(tenant, absl::StrCat("the change of revision ", revision, " is missing or cannot be read"));
}

}  // namespace

absl::StatusOr<RevisionRange> WriteCommit(SqliteConnection& connection, const TenantList& tenants,
                                          const TenantId& tenant, const RegistryCommit& commit,
                                          const std::string& serialized_record, const HistoryLimits& history,
                                          HistorySizes& sizes) {
  const v1::ChangeRecord& record = commit.record;
  absl::StatusOr<Tenant> found = FindTenant(connection, tenants, tenant);
  if (!found.ok()) return found.status();
  TenantRow& row = found->row;
  if (record.revision() != found->range.next) return Conflict(tenant, found->range.next);
  const absl::StatusOr<bool> has_request = HasRequest(connection, row.id, record.request_id());
  if (!has_request.ok()) return has_request.status();
  if (*has_request) return RequestIdTaken(tenant, record.request_id());

  if (row.id == 0) {
    if (absl::Status inserted = InsertTenant(connection, tenant, row); !inserted.ok()) return inserted;
  }
  if (absl::Status written = WriteEntries(connection, tenant, *found, record); !written.ok()) return written;
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
  status = LimitHistory(connection, tenant, commit, history, *found, sizes);
  if (!status.ok()) return status;
  row.revision = found->range.newest;
  row.first_revision = found->range.first;
  ++row.commits;
  row.gaps = GapsToText(found->range.gaps);
  status = WriteTenant(connection, tenant.name(), row);
  if (!status.ok()) return status;
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
  SqliteQuery newest(connection,
                     "SELECT max(time) FROM tenants "
                     "JOIN changes ON changes.tenant = tenants.id AND changes.revision = tenants.revision");
  if (newest.Next() && !newest.IsNull(0)) totals.newest_write = absl::FromUnixMicros(newest.Int(0));
  if (const auto damage = DamageIn(newest.status()); damage.has_value()) {
    on_damage(*damage);
  } else if (!newest.status().ok()) {
    return newest.status();
  }
  return totals;
}

}  // namespace qconfig
