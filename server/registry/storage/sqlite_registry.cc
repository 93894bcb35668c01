// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_registry.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

enum Kind : int64_t { kScheme = 1, kTemplate = 2, kDefaultCatalog = 3 };

struct Tenant {
  int64_t id = 0;  // 0: the tenant has no writes
  RevisionRange range;
};

absl::Status Damaged(const SqliteConnection& connection, const TenantId& tenant, absl::string_view what) {
  return StorageUnavailable(
      absl::StrCat("the registry's database ", connection.path(), " is damaged: tenant ", tenant.name(), ": ", what));
}

// "5:3630000000000 " for each gap.
std::string GapsToText(const std::vector<RevisionGap>& gaps) {
  std::string text;
  for (const RevisionGap& gap : gaps) absl::StrAppend(&text, gap.after, ":", gap.next, " ");
  return text;
}

bool ParseGaps(absl::string_view text, std::vector<RevisionGap>& gaps) {
  for (const absl::string_view item : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> ends = absl::StrSplit(item, absl::MaxSplits(':', 1));
    RevisionGap& gap = gaps.emplace_back();
    if (!absl::SimpleAtoi(ends.first, &gap.after) || !absl::SimpleAtoi(ends.second, &gap.next)) return false;
  }
  return true;
}

absl::StatusOr<Tenant> FindTenant(SqliteConnection& connection, const TenantId& tenant) {
  SqliteQuery query(connection,
                    "SELECT epoch, id, first_revision, revision, gaps FROM meta LEFT JOIN tenants ON name = ?",
                    tenant.name());
  const bool has_epoch = query.Next();
  if (!query.status().ok()) return query.status();
  if (!has_epoch) return Damaged(connection, tenant, "the epoch is missing");
  Tenant found;
  found.id = query.Int(1);
  if (found.id != 0) {
    found.range.first = query.Int(2);
    found.range.newest = query.Int(3);
    if (!ParseGaps(query.Bytes(4), found.range.gaps)) return Damaged(connection, tenant, "its gaps cannot be read");
  }
  SetNext(found.range, query.Int(0));
  return found;
}

absl::Status InsertTenant(SqliteConnection& connection, const TenantId& tenant, Tenant& inserted) {
  SqliteQuery query(connection, "INSERT INTO tenants (name, revision, first_revision) VALUES (?, 1, 1)", tenant.name());
  if (absl::Status run = query.Run(); !run.ok()) return run;
  inserted.id = sqlite3_last_insert_rowid(connection.handle());
  return absl::OkStatus();
}

// Writes the changes of one revision of one tenant.
class EntryWriter {
 public:
  EntryWriter(SqliteConnection& connection, int64_t tenant, int64_t revision)
      : connection_(connection), tenant_(tenant), revision_(revision) {}

  // Replaces the entry of that name at its position, or appends the entry.
  absl::Status Put(Kind kind, absl::string_view name, int64_t since, const std::string& value) {
    absl::StatusOr<std::optional<int64_t>> position = End(kind, name);
    if (position.ok() && !position->has_value()) position = NextPosition(kind);
    if (!position.ok()) return position.status();
    return SqliteQuery(connection_,
                       "INSERT INTO entries (tenant, kind, name, position, since, until, value) "
                       "VALUES (?, ?, ?, ?, ?, 9223372036854775807, ?)",
                       tenant_, int64_t{kind}, name, **position, since, SqliteQuery::Blob{value})
        .Run();
  }

  absl::Status Delete(Kind kind, absl::string_view name) { return End(kind, name).status(); }

 private:
  // Ends the current version of an entry, and returns its position; nullopt if there is none.
  absl::StatusOr<std::optional<int64_t>> End(Kind kind, absl::string_view name) {
    int64_t row = 0;
    int64_t position = 0;
    int64_t since = 0;
    {
      SqliteQuery query(connection_,
                        "SELECT rowid, position, since FROM entries "
                        "WHERE tenant = ? AND kind = ? AND name = ? AND until = 9223372036854775807",
                        tenant_, int64_t{kind}, name);
      const bool found = query.Next();
      if (!query.status().ok()) return query.status();
      if (!found) return std::optional<int64_t>();
      row = query.Int(0);
      position = query.Int(1);
      since = query.Int(2);
    }
    // If one write puts an entry twice, the first version is visible at no revision.
    const absl::Status ended =
        since == revision_
            ? SqliteQuery(connection_, "DELETE FROM entries WHERE rowid = ?", row).Run()
            : SqliteQuery(connection_, "UPDATE entries SET until = ? WHERE rowid = ?", revision_, row).Run();
    if (!ended.ok()) return ended;
    return std::optional<int64_t>(position);
  }

  absl::StatusOr<std::optional<int64_t>> NextPosition(Kind kind) {
    SqliteQuery query(connection_,
                      "SELECT position FROM entries WHERE tenant = ? AND until = 9223372036854775807 AND kind = ? "
                      "ORDER BY position DESC LIMIT 1",
                      tenant_, int64_t{kind});
    const bool found = query.Next();
    if (!query.status().ok()) return query.status();
    return std::optional<int64_t>(found ? query.Int(0) + 1 : 0);
  }

  SqliteConnection& connection_;
  const int64_t tenant_;
  const int64_t revision_;
};

absl::Status WriteChange(EntryWriter& entries, const v1::RegistryChange& change, int64_t revision) {
  switch (change.change_case()) {
    case v1::RegistryChange::kPutScheme:
      return entries.Put(kScheme, change.put_scheme().name(), revision, change.put_scheme().SerializeAsString());
    case v1::RegistryChange::kDeleteScheme:
      return entries.Delete(kScheme, change.delete_scheme().name());
    case v1::RegistryChange::kPutTemplate:
      return entries.Put(kTemplate, change.put_template().model_type(), revision,
                         change.put_template().SerializeAsString());
    case v1::RegistryChange::kDeleteTemplate:
      return entries.Delete(kTemplate, change.delete_template().model_type());
    case v1::RegistryChange::kSetDefaultCatalog:  // see WriteEntries()
    case v1::RegistryChange::CHANGE_NOT_SET:
      break;
  }
  return absl::OkStatus();
}

absl::Status WriteEntries(SqliteConnection& connection, const Tenant& tenant, const v1::ChangeRecord& record) {
  EntryWriter entries(connection, tenant.id, record.revision());
  // The first default catalogue that the first write sets also applies to revision 1.
  int64_t since = tenant.range.newest == 1 ? 1 : record.revision();
  for (const v1::RegistryChange& change : record.changes()) {
    absl::Status written;
    if (change.has_set_default_catalog()) {
      written = entries.Put(kDefaultCatalog, "", since, change.set_default_catalog());
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

// The first readable revision after the limits are applied, as far as one write applies them.
absl::StatusOr<int64_t> FirstToKeep(SqliteConnection& connection, const Tenant& tenant, const HistoryLimits& history,
                                    int64_t now) {
  const RevisionRange& range = tenant.range;
  const int64_t last = RevisionAfter(range, range.first, kMaxRemovedAtOnce);
  int64_t first = std::min(last, RevisionBefore(range, range.newest, history.max_changes));
  SqliteQuery query(connection,
                    "SELECT revision, time FROM changes WHERE tenant = ? AND revision > ? AND revision <= ? "
                    "ORDER BY revision",
                    tenant.id, first, last);
  const int64_t expired_up_to = ExpiredUpTo(history, now);
  while (query.Next() && query.Int(1) <= expired_up_to) first = query.Int(0);
  if (!query.status().ok()) return query.status();
  return first;
}

absl::Status Forget(SqliteConnection& connection, int64_t tenant, int64_t first) {
  absl::Status status =
      SqliteQuery(connection, "DELETE FROM changes WHERE tenant = ? AND revision <= ?", tenant, first).Run();
  if (!status.ok()) return status;
  return SqliteQuery(connection, "DELETE FROM entries WHERE tenant = ? AND until <= ?", tenant, first).Run();
}

// Entries of one kind in the order of their positions.
template <typename Entry>
class EntryReader {
 public:
  bool Add(int64_t position, absl::string_view name, absl::string_view value,
           const std::string& (Entry::*name_of)() const) {
    auto entry = std::make_shared<Entry>();
    if (!entry->ParseFromArray(value.data(), static_cast<int>(value.size())) || ((*entry).*name_of)() != name) {
      return false;
    }
    entries_.emplace_back(position, std::move(entry));
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
};

absl::StatusOr<RegistryState> ReadEntries(SqliteConnection& connection, const TenantId& tenant, int64_t id,
                                          int64_t revision) {
  EntryReader<v1::Scheme> schemes;
  EntryReader<v1::LlmTemplate> templates;
  std::string default_catalog;
  SqliteQuery query(connection,
                    "SELECT kind, position, name, value FROM entries WHERE tenant = ? AND until > ? AND since <= ?", id,
                    revision, revision);
  while (query.Next()) {
    const int64_t kind = query.Int(0);
    bool valid = false;
    if (kind == kScheme) valid = schemes.Add(query.Int(1), query.Bytes(2), query.Bytes(3), &v1::Scheme::name);
    if (kind == kTemplate) {
      valid = templates.Add(query.Int(1), query.Bytes(2), query.Bytes(3), &v1::LlmTemplate::model_type);
    }
    if (kind == kDefaultCatalog) {
      default_catalog = std::string(query.Bytes(3));
      valid = true;
    }
    if (!valid) {
      return Damaged(connection, tenant,
                     absl::StrCat("entry ", Printable(query.Bytes(2), 128), " of kind ", kind, " at revision ",
                                  revision, " cannot be read"));
    }
  }
  if (!query.status().ok()) return query.status();
  return RegistryState(revision, std::move(default_catalog), std::move(schemes).InOrder(),
                       std::move(templates).InOrder());
}

bool Parse(absl::string_view value, int64_t revision, v1::ChangeRecord& record) {
  return record.ParseFromArray(value.data(), static_cast<int>(value.size())) && record.revision() == revision;
}

absl::Status UnreadableChange(const SqliteConnection& connection, const TenantId& tenant, int64_t revision) {
  return Damaged(connection, tenant, absl::StrCat("the change of revision ", revision, " cannot be read"));
}

}  // namespace

absl::StatusOr<RevisionRange> WriteCommit(SqliteConnection& connection, const TenantId& tenant,
                                          const RegistryCommit& commit, const std::string& serialized_record,
                                          const HistoryLimits& history) {
  const v1::ChangeRecord& record = commit.record;
  absl::StatusOr<Tenant> found = FindTenant(connection, tenant);
  if (!found.ok()) return found.status();
  if (record.revision() != found->range.next) return Conflict(tenant, found->range.next);
  const absl::StatusOr<bool> has_request = HasRequest(connection, found->id, record.request_id());
  if (!has_request.ok()) return has_request.status();
  if (*has_request) return RequestIdTaken(tenant, record.request_id());

  if (found->id == 0) {
    if (absl::Status inserted = InsertTenant(connection, tenant, *found); !inserted.ok()) return inserted;
  }
  if (absl::Status written = WriteEntries(connection, *found, record); !written.ok()) return written;
  absl::Status status = SqliteQuery(connection,
                                    "INSERT INTO changes (tenant, revision, time, request_id, request_digest, value) "
                                    "VALUES (?, ?, ?, ?, ?, ?)",
                                    found->id, record.revision(), HistoryTime(record), record.request_id(),
                                    SqliteQuery::Blob{commit.request_digest}, SqliteQuery::Blob{serialized_record})
                            .Run();
  if (!status.ok()) return status;

  AddRevision(found->range);
  const absl::StatusOr<int64_t> first = FirstToKeep(connection, *found, history, HistoryTime(record));
  if (!first.ok()) return first.status();
  if (*first > found->range.first) status = Forget(connection, found->id, *first);
  if (!status.ok()) return status;
  found->range.first = *first;
  const std::string gaps = GapsToText(found->range.gaps);
  status = SqliteQuery(connection,
                       "UPDATE tenants SET revision = ?, first_revision = ?, commits = commits + 1, gaps = ? "
                       "WHERE id = ?",
                       found->range.newest, found->range.first, gaps, found->id)
               .Run();
  if (!status.ok()) return status;
  return found->range;
}

absl::StatusOr<RevisionRange> ReadRevisions(SqliteConnection& connection, const TenantId& tenant) {
  const absl::StatusOr<Tenant> found = FindTenant(connection, tenant);
  if (!found.ok()) return found.status();
  return found->range;
}

absl::StatusOr<RegistryState> ReadState(SqliteConnection& connection, const TenantId& tenant, int64_t revision) {
  const absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginRead(connection);
  if (!transaction.ok()) return transaction.status();
  const absl::StatusOr<Tenant> found = FindTenant(connection, tenant);
  if (!found.ok()) return found.status();
  if (revision == 0) revision = found->range.newest;
  if (absl::Status readable = CheckReadable(tenant, found->range, revision); !readable.ok()) return readable;
  if (found->id == 0) return RegistryState();
  return ReadEntries(connection, tenant, found->id, revision);
}

absl::StatusOr<std::vector<v1::ChangeRecord>> ReadChanges(SqliteConnection& connection, const TenantId& tenant,
                                                          int64_t revision, size_t max_changes) {
  const absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginRead(connection);
  if (!transaction.ok()) return transaction.status();
  const absl::StatusOr<Tenant> found = FindTenant(connection, tenant);
  if (!found.ok()) return found.status();
  if (absl::Status readable = CheckReadable(tenant, found->range, revision); !readable.ok()) return readable;
  std::vector<v1::ChangeRecord> changes;
  SqliteQuery query(connection, "SELECT value FROM changes WHERE tenant = ? AND revision > ? ORDER BY revision",
                    found->id, revision);
  while (changes.size() < max_changes && query.Next()) {
    // If a row is missing, the next row's record has another revision.
    revision = RevisionAfter(found->range, revision, 1);
    if (!Parse(query.Bytes(0), revision, changes.emplace_back())) {
      return UnreadableChange(connection, tenant, revision);
    }
  }
  if (!query.status().ok()) return query.status();
  return changes;
}

absl::StatusOr<std::optional<RegistryCommit>> ReadRequest(SqliteConnection& connection, const TenantId& tenant,
                                                          const std::string& request_id) {
  SqliteQuery query(connection,
                    "SELECT changes.revision, value, request_digest FROM changes JOIN tenants ON tenant = tenants.id "
                    "WHERE name = ? AND request_id = ? AND request_id <> ''",
                    tenant.name(), request_id);
  const bool found = query.Next();
  if (!query.status().ok()) return query.status();
  if (!found) return std::optional<RegistryCommit>();
  RegistryCommit commit;
  if (!Parse(query.Bytes(1), query.Int(0), commit.record)) return UnreadableChange(connection, tenant, query.Int(0));
  commit.request_digest = std::string(query.Bytes(2));
  return std::optional<RegistryCommit>(std::move(commit));
}

absl::StatusOr<int64_t> CountWrites(SqliteConnection& connection) {
  SqliteQuery query(connection, "SELECT ifnull(sum(commits), 0) FROM tenants");
  query.Next();
  if (!query.status().ok()) return query.status();
  return query.Int(0);
}

}  // namespace qconfig
