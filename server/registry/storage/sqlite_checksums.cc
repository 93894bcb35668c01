// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_checksums.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/registry/storage/sqlite_rows.h"
#include "server/registry/storage/sqlite_states.h"

namespace qconfig {
namespace {

// Each query ends before the next statement changes its table, and each step finds the row after the previous one.

// The id of the entry after `row`, whose checksum was set; nullopt if there is none.
absl::StatusOr<std::optional<int64_t>> FillNextEntry(SqliteConnection& connection, int64_t row) {
  int64_t checksum = 0;
  {
    SqliteQuery query(connection,
                      "SELECT entries.rowid, kind, entries.name, position, since, value, tenants.name FROM entries "
                      "LEFT JOIN tenants ON tenants.id = tenant WHERE entries.rowid > ? ORDER BY entries.rowid LIMIT 1",
                      row);
    const bool found = query.Next();
    if (!query.status().ok()) return query.status();
    if (!found) return std::optional<int64_t>();
    row = query.Int(0);
    checksum =
        ChecksumOfEntry(query.Bytes(6), {query.Int(1), query.Bytes(2), query.Int(3), query.Int(4), query.Bytes(5)});
  }
  const absl::Status filled =
      SqliteQuery(connection, "UPDATE entries SET checksum = ? WHERE rowid = ?", checksum, row).Run();
  if (!filled.ok()) return filled;
  return std::optional<int64_t>(row);
}

// The revision of the tenant's change after `revision`, whose state and checksum were set; nullopt if there is none.
absl::StatusOr<std::optional<int64_t>> FillNextChange(SqliteConnection& connection, const std::string& name,
                                                      int64_t tenant, const SqliteStates& states, int64_t revision) {
  int64_t row = 0;
  ChangeRow change;
  int64_t checksum = 0;
  {
    SqliteQuery query(connection,
                      "SELECT rowid, revision, time, request_id, request_digest, value FROM changes "
                      "WHERE tenant = ? AND revision > ? ORDER BY revision LIMIT 1",
                      tenant, revision);
    const bool found = query.Next();
    if (!query.status().ok()) return query.status();
    if (!found) return std::optional<int64_t>();
    row = query.Int(0);
    change = {query.Int(1), query.Int(2), query.Bytes(3), query.Bytes(4), query.Bytes(5), states.At(query.Int(1))};
    checksum = ChecksumOfChange(name, change);
  }
  const absl::Status filled =
      SqliteQuery(connection, "UPDATE changes SET state = ?, checksum = ? WHERE rowid = ?", change.state, checksum, row)
          .Run();
  if (!filled.ok()) return filled;
  return std::optional<int64_t>(change.revision);
}

// The row of the tenant after `id`, and its name; id 0: there is none.
absl::Status ReadNextTenant(SqliteConnection& connection, int64_t id, std::string& name, TenantRow& row) {
  SqliteQuery query(connection,
                    "SELECT id, revision, first_revision, commits, gaps, name, "
                    "(SELECT ifnull(max(position), -1) + 1 FROM entries "
                    "WHERE tenant = tenants.id AND until = 9223372036854775807) "
                    "FROM tenants WHERE id > ? ORDER BY id LIMIT 1",
                    id);
  row = TenantRow();
  if (!query.Next()) return query.status();
  row.id = query.Int(0);
  row.revision = query.Int(1);
  row.first_revision = query.Int(2);
  row.commits = query.Int(3);
  row.gaps = std::string(query.Bytes(4));
  name = std::string(query.Bytes(5));
  row.next_position = query.Int(6);
  return absl::OkStatus();
}

absl::Status FillTenant(SqliteConnection& connection, const std::string& name, TenantRow& row) {
  const absl::StatusOr<SqliteStates> states = SqliteStates::Read(connection, row.id);
  if (!states.ok()) return states.status();
  std::optional<int64_t> revision = 0;
  while (revision.has_value()) {
    const auto next = FillNextChange(connection, name, row.id, *states, *revision);
    if (!next.ok()) return next.status();
    revision = *next;
  }
  row.state = states->At(row.revision);
  row.first_state = states->At(row.first_revision);
  return WriteTenant(connection, name, row);
}

}  // namespace

absl::Status FillChecksums(SqliteConnection& connection) {
  std::optional<int64_t> entry = 0;
  while (entry.has_value()) {
    const auto next = FillNextEntry(connection, *entry);
    if (!next.ok()) return next.status();
    entry = *next;
  }
  MetaRow meta;
  {
    SqliteQuery query(connection, "SELECT epoch, is_backup FROM meta");
    query.Next();
    if (!query.status().ok()) return query.status();
    meta = {query.Int(0), query.Int(1), 0};
  }
  std::string name;
  TenantRow row;
  while (true) {
    if (absl::Status read = ReadNextTenant(connection, row.id, name, row); !read.ok()) return read;
    if (row.id == 0) break;
    ++meta.tenant_count;
    if (absl::Status filled = FillTenant(connection, name, row); !filled.ok()) return filled;
  }
  return WriteMeta(connection, meta);
}

}  // namespace qconfig
