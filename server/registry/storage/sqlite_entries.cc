// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_entries.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/utf8.h"
#include "server/registry/storage/checksum.h"
#include "server/registry/storage/storage_damage.h"

namespace qconfig {
namespace {

// Writes the changes of one revision of one tenant, and updates the tenant's state.
class EntryWriter {
 public:
  EntryWriter(SqliteConnection& connection, const TenantId& name, TenantRow& tenant, int64_t revision,
              EntryBytes& bytes)
      : connection_(connection), name_(name), tenant_(tenant), revision_(revision), bytes_(bytes) {}

  // Replaces the entry of that name at its position, or appends the entry.
  absl::Status Put(EntryKind kind, absl::string_view name, int64_t since, const std::string& value) {
    const absl::StatusOr<std::optional<int64_t>> replaced = End(kind, name);
    if (!replaced.ok()) return replaced.status();
    const int64_t position = replaced->has_value() ? **replaced : tenant_.next_position++;
    const int64_t checksum = ChecksumOfEntry(name_.name(), {kind, name, position, since, value});
    tenant_.state = AddChecksum(tenant_.state, checksum);
    if (since < revision_) tenant_.first_state = AddChecksum(tenant_.first_state, checksum);
    bytes_.current += static_cast<int64_t>(value.size());
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
    int64_t size = 0;
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
      size = static_cast<int64_t>(entry->value.size());
      tenant_.state = RemoveChecksum(tenant_.state, query.Int(6));
    }
    // If one write puts an entry twice, the first version is visible at no revision.
    const absl::Status ended =
        since == revision_
            ? SqliteQuery(connection_, "DELETE FROM entries WHERE rowid = ?", row).Run()
            : SqliteQuery(connection_, "UPDATE entries SET until = ? WHERE rowid = ?", revision_, row).Run();
    if (!ended.ok()) return ended;
    bytes_.End(size);
    if (since == revision_) bytes_.earlier -= size;
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
    return TenantDamaged(name_.name(), absl::StrCat("the index of its entries lacks ", Printable(name, 128)));
  }

  SqliteConnection& connection_;
  const TenantId& name_;
  TenantRow& tenant_;
  const int64_t revision_;
  EntryBytes& bytes_;
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

}  // namespace

absl::Status WriteEntries(SqliteConnection& connection, const TenantId& name, const v1::ChangeRecord& record,
                          bool is_first_write, TenantRow& tenant, EntryBytes& bytes) {
  EntryWriter entries(connection, name, tenant, record.revision(), bytes);
  // The first default catalogue that the first write sets also applies to revision 1.
  int64_t since = is_first_write ? 1 : record.revision();
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

// SQLite finds the length of a value without reading it.
absl::StatusOr<EntryBytes> ReadEntryBytes(SqliteConnection& connection, int64_t id) {
  SqliteQuery query(connection,
                    "SELECT ifnull(sum(length(value)) FILTER (WHERE until = 9223372036854775807), 0), "
                    "ifnull(sum(length(value)) FILTER (WHERE until < 9223372036854775807), 0) "
                    "FROM entries WHERE tenant = ?",
                    id);
  query.Next();
  if (!query.status().ok()) return query.status();
  return EntryBytes{query.Int(0), query.Int(1)};
}

absl::StatusOr<int64_t> ReadBytesUntil(SqliteConnection& connection, int64_t id, int64_t revision) {
  SqliteQuery query(connection, "SELECT ifnull(sum(length(value)), 0) FROM entries WHERE tenant = ? AND until = ?", id,
                    revision);
  query.Next();
  if (!query.status().ok()) return query.status();
  return query.Int(0);
}

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
    if (!valid)
      return TenantDamaged(tenant.name(), absl::StrCat(DescribedEntry(*row), " cannot be read, or exists twice"));
  }
  if (!query.status().ok()) return query.status();
  if (found_state != state) {
    return TenantDamaged(tenant.name(),
                         absl::StrCat("revision ", revision, " lacks an entry or has one that does not belong to it"));
  }
  return RegistryState(revision, std::move(default_catalog), std::move(schemes).InOrder(),
                       std::move(templates).InOrder());
}

}  // namespace qconfig
