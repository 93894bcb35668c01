// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/utf8.h"
#include "server/registry/storage/checksum.h"
#include "server/registry/storage/storage_damage.h"

namespace qconfig {
namespace {

constexpr int64_t kEndOfRevisions = int64_t{1} << 62;  // above all; see FirstOfEpoch()

std::string KindName(int64_t kind) {
  switch (kind) {
    case kSchemeEntry:
      return "scheme";
    case kTemplateEntry:
      return "template";
    case kDefaultCatalogEntry:
      return "default catalogue";
    default:
      return absl::StrCat("entry of kind ", kind);
  }
}

absl::Status WrongChecksum(absl::string_view tenant, absl::string_view row) {
  return TenantDamaged(tenant, absl::StrCat(row, " has a wrong checksum"));
}

// Reads gaps in ascending order.
bool ParseGaps(absl::string_view text, std::vector<RevisionGap>& gaps) {
  int64_t last = 0;
  for (const absl::string_view item : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> ends = absl::StrSplit(item, absl::MaxSplits(':', 1));
    RevisionGap& gap = gaps.emplace_back();
    if (!absl::SimpleAtoi(ends.first, &gap.after) || !absl::SimpleAtoi(ends.second, &gap.next)) return false;
    if (gap.after < std::max<int64_t>(1, last) || gap.next <= gap.after) return false;
    last = gap.next;
  }
  return true;
}

}  // namespace

// Each begins with another word, so that no row can stand for one of another table.
int64_t ChecksumOfMeta(const MetaRow& row) { return ChecksumOf("meta", row.epoch, row.is_backup, row.tenant_count); }

int64_t ChecksumOfTenant(absl::string_view name, const TenantRow& row) {
  return ChecksumOf("tenant", name, row.id, row.revision, row.first_revision, row.commits, row.gaps, row.next_position,
                    row.state, row.first_state);
}

int64_t ChecksumOfEntry(absl::string_view tenant, const EntryRow& row) {
  return ChecksumOf("entry", tenant, row.kind, row.name, row.position, row.since, row.value);
}

int64_t ChecksumOfChange(absl::string_view tenant, const ChangeRow& row) {
  return ChecksumOf("change", tenant, row.revision, row.time, row.request_id, row.request_digest, row.value, row.state);
}

std::string DescribedEntry(const EntryRow& row) {
  return absl::StrCat(KindName(row.kind), row.name.empty() ? "" : " ", Printable(row.name, 128), " since revision ",
                      row.since);
}

absl::StatusOr<MetaRow> ReadMetaRow(const SqliteQuery& query, int first) {
  MetaRow row;
  row.epoch = query.Int(first);
  row.is_backup = query.Int(first + 1);
  row.tenant_count = query.Int(first + 2);
  if (query.Int(first + 3) == ChecksumOfMeta(row)) return row;
  return StorageDamaged("the row with the epoch has a wrong checksum");
}

absl::StatusOr<TenantRow> ReadTenantRow(const SqliteQuery& query, int first, absl::string_view name) {
  TenantRow row;
  row.id = query.Int(first);
  row.revision = query.Int(first + 1);
  row.first_revision = query.Int(first + 2);
  row.commits = query.Int(first + 3);
  row.gaps = std::string(query.Bytes(first + 4));
  row.next_position = query.Int(first + 5);
  row.state = query.Int(first + 6);
  row.first_state = query.Int(first + 7);
  if (query.Int(first + 8) == ChecksumOfTenant(name, row)) return row;
  return WrongChecksum(name, "its row");
}

absl::StatusOr<EntryRow> ReadEntryRow(const SqliteQuery& query, int first, absl::string_view tenant) {
  const EntryRow row = {query.Int(first), query.Bytes(first + 1), query.Int(first + 2), query.Int(first + 3),
                        query.Bytes(first + 4)};
  if (query.Int(first + 5) == ChecksumOfEntry(tenant, row)) return row;
  return WrongChecksum(tenant, DescribedEntry(row));
}

absl::StatusOr<ChangeRow> ReadChangeRow(const SqliteQuery& query, int first, absl::string_view tenant) {
  const ChangeRow row = {query.Int(first),       query.Int(first + 1),   query.Bytes(first + 2),
                         query.Bytes(first + 3), query.Bytes(first + 4), query.Int(first + 5)};
  if (query.Int(first + 6) == ChecksumOfChange(tenant, row)) return row;
  return WrongChecksum(tenant, absl::StrCat("the change of revision ", row.revision));
}

std::string GapsToText(const std::vector<RevisionGap>& gaps) {
  std::string text;
  for (const RevisionGap& gap : gaps) absl::StrAppend(&text, gap.after, ":", gap.next, " ");
  return text;
}

absl::StatusOr<RevisionRange> RangeOf(const TenantRow& row) {
  RevisionRange range;
  range.first = row.first_revision;
  range.newest = row.revision;
  range.next = range.newest + 1;
  const bool is_valid = 1 <= range.first && range.first <= range.newest && range.newest < kEndOfRevisions &&
                        ParseGaps(row.gaps, range.gaps) &&
                        (range.gaps.empty() || range.gaps.back().next <= range.newest);
  if (!is_valid) return StorageDamaged(absl::StrCat("the revisions of tenant ", row.id, " cannot be read"));
  return range;
}

absl::StatusOr<MetaRow> ReadMeta(SqliteConnection& connection) {
  SqliteQuery query(connection, "SELECT epoch, is_backup, tenant_count, checksum FROM meta");
  const bool found = query.Next();
  if (!query.status().ok()) return query.status();
  return found ? ReadMetaRow(query, 0) : StorageDamaged("the row with the epoch is missing");
}

absl::Status WriteMeta(SqliteConnection& connection, const MetaRow& row) {
  return SqliteQuery(connection, "UPDATE meta SET epoch = ?, is_backup = ?, tenant_count = ?, checksum = ?", row.epoch,
                     row.is_backup, row.tenant_count, ChecksumOfMeta(row))
      .Run();
}

absl::Status WriteTenant(SqliteConnection& connection, absl::string_view name, const TenantRow& row) {
  return SqliteQuery(connection,
                     "UPDATE tenants SET revision = ?, first_revision = ?, commits = ?, gaps = ?, next_position = ?, "
                     "state = ?, first_state = ?, checksum = ? WHERE id = ?",
                     row.revision, row.first_revision, row.commits, row.gaps, row.next_position, row.state,
                     row.first_state, ChecksumOfTenant(name, row), row.id)
      .Run();
}

}  // namespace qconfig
