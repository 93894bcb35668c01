// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_verifier.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "server/registry/storage/revision_range.h"
#include "server/registry/storage/sqlite_registry.h"
#include "server/registry/storage/sqlite_rows.h"
#include "server/registry/storage/sqlite_states.h"
#include "server/registry/storage/tenant_list.h"

namespace qconfig {

// The size of a step.
class SqliteVerifier::StepBudget {
 public:
  bool IsSpent() const { return bytes_ <= 0; }
  void Spend(size_t bytes) { bytes_ -= static_cast<int64_t>(bytes) + kPerRow; }

 private:
  static constexpr int64_t kPerRow = 1024;
  int64_t bytes_ = int64_t{1} << 20;
};

namespace {

constexpr int64_t kNotEnded = 9223372036854775807;  // `until` of current entries

// Checks that an index finds the row. `query` selects rowids.
absl::Status CheckFinds(SqliteQuery& query, int64_t row, absl::string_view tenant, absl::string_view what) {
  const bool found = query.Next() && query.Int(0) == row;
  if (!query.status().ok() || found) return query.status();
  return TenantDamaged(tenant, absl::StrCat("an index does not find ", what));
}

absl::Status CheckEntryIndexes(SqliteConnection& connection, const SqliteQuery& row, absl::string_view tenant,
                               const EntryRow& entry) {
  const int64_t id = row.Int(0);
  const int64_t tenant_id = row.Int(8);
  const int64_t until = row.Int(9);
  const std::string what = DescribedEntry(entry);
  SqliteQuery in_order(connection,
                       "SELECT rowid FROM entries INDEXED BY entries_in_order "
                       "WHERE tenant = ? AND until = ? AND kind = ? AND position = ?",
                       tenant_id, until, entry.kind, entry.position);
  if (absl::Status found = CheckFinds(in_order, id, tenant, what); !found.ok() || until != kNotEnded) return found;
  SqliteQuery current(connection,
                      "SELECT rowid FROM entries INDEXED BY entries_current "
                      "WHERE tenant = ? AND kind = ? AND name = ? AND until = 9223372036854775807",
                      tenant_id, entry.kind, entry.name);
  return CheckFinds(current, id, tenant, what);
}

absl::Status CheckChangeIndexes(SqliteConnection& connection, const SqliteQuery& row, absl::string_view tenant,
                                const ChangeRow& change) {
  const int64_t id = row.Int(0);
  const int64_t tenant_id = row.Int(9);
  const std::string what = absl::StrCat("the change of revision ", change.revision);
  SqliteQuery in_order(connection,
                       "SELECT rowid FROM changes INDEXED BY changes_in_order WHERE tenant = ? AND revision = ?",
                       tenant_id, change.revision);
  absl::Status found = CheckFinds(in_order, id, tenant, what);
  if (!found.ok() || change.request_id.empty()) return found;
  SqliteQuery by_request(connection,
                         "SELECT rowid FROM changes INDEXED BY changes_by_request "
                         "WHERE tenant = ? AND request_id = ? AND request_id <> ''",
                         tenant_id, change.request_id);
  return CheckFinds(by_request, id, tenant, absl::StrCat(what, " by its request_id"));
}

absl::Status CheckTenantIndex(SqliteConnection& connection, const std::string& name, const TenantRow& tenant) {
  SqliteQuery query(connection, "SELECT id FROM tenants WHERE name = ?", name);
  return CheckFinds(query, tenant.id, name, "its row");
}

}  // namespace

absl::StatusOr<bool> SqliteVerifier::Step(SqliteConnection& connection) {
  const absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginRead(connection);
  if (!transaction.ok()) return transaction.status();
  absl::Status checked;
  switch (part_) {
    case Part::kTenants: {
      TenantList names;  // unused
      const auto totals = ReadTenants(connection, names, on_damage_);
      checked = EndPart(connection, totals.status(), "SELECT 0");
      break;
    }
    case Part::kEntries:
      checked = CheckEntries(connection);
      break;
    case Part::kChanges:
      checked = CheckChanges(connection);
      break;
    case Part::kStates:
      checked = CheckStates(connection);
      break;
    case Part::kEnd:
      break;
  }
  if (!checked.ok()) return checked;
  return part_ != Part::kEnd;
}

void SqliteVerifier::Report(const absl::Status& damaged) {
  if (const auto what = DamageIn(damaged); what.has_value()) on_damage_(*what);
}

absl::Status SqliteVerifier::EndPart(SqliteConnection& connection, const absl::Status& status,
                                     absl::string_view max_row) {
  if (!status.ok() && !DamageIn(status).has_value()) return status;
  if (!status.ok()) {
    Report(status);
    // SQLite cannot read past a damaged page, so this tries later and later rows.
    SqliteQuery query(connection, max_row);
    const bool known = query.Next();
    skipped_ = std::max<int64_t>(1, 2 * skipped_);
    if (known && query.Int(0) - last_ > skipped_) {
      last_ += skipped_;
      return absl::OkStatus();
    }
  }
  part_ = static_cast<Part>(static_cast<int>(part_) + 1);
  last_ = 0;
  skipped_ = 0;
  return absl::OkStatus();
}

template <typename CheckRow>
absl::Status SqliteVerifier::CheckRows(SqliteConnection& connection, SqliteQuery& query, const CheckRow& check_row,
                                       absl::string_view max_row) {
  for (StepBudget budget; query.Next(); skipped_ = 0) {
    last_ = query.Int(0);
    const absl::Status checked = check_row(budget);
    if (!checked.ok() && !DamageIn(checked).has_value()) return checked;
    Report(checked);
    if (budget.IsSpent()) return absl::OkStatus();
  }
  return EndPart(connection, query.status(), max_row);
}

absl::Status SqliteVerifier::CheckEntries(SqliteConnection& connection) {
  SqliteQuery query(connection,
                    "SELECT entries.rowid, kind, entries.name, position, since, value, entries.checksum, tenants.name, "
                    "tenant, until FROM entries LEFT JOIN tenants ON tenants.id = tenant "
                    "WHERE entries.rowid > ? ORDER BY entries.rowid",
                    last_);
  const auto check_row = [&](StepBudget& budget) {
    budget.Spend(query.Bytes(5).size());
    const absl::string_view tenant = query.Bytes(7);
    const absl::StatusOr<EntryRow> entry = ReadEntryRow(query, 1, tenant);
    return entry.ok() ? CheckEntryIndexes(connection, query, tenant, *entry) : entry.status();
  };
  return CheckRows(connection, query, check_row, "SELECT max(rowid) FROM entries");
}

absl::Status SqliteVerifier::CheckChanges(SqliteConnection& connection) {
  SqliteQuery query(connection,
                    "SELECT changes.rowid, changes.revision, time, request_id, request_digest, value, changes.state, "
                    "changes.checksum, name, tenant FROM changes LEFT JOIN tenants ON tenants.id = tenant "
                    "WHERE changes.rowid > ? ORDER BY changes.rowid",
                    last_);
  const auto check_row = [&](StepBudget& budget) {
    budget.Spend(query.Bytes(5).size());
    const absl::string_view tenant = query.Bytes(8);
    const absl::StatusOr<ChangeRow> change = ReadChangeRow(query, 1, tenant);
    return change.ok() ? CheckChangeIndexes(connection, query, tenant, *change) : change.status();
  };
  return CheckRows(connection, query, check_row, "SELECT max(rowid) FROM changes");
}

absl::Status SqliteVerifier::CheckStatesOf(SqliteConnection& connection, const std::string& name,
                                           const TenantRow& tenant, StepBudget& budget) {
  const absl::StatusOr<RevisionRange> range = RangeOf(tenant);
  if (!range.ok()) return range.status();
  const absl::StatusOr<SqliteStates> states = SqliteStates::Read(connection, tenant.id);
  if (const auto damage = DamageIn(states.status()); damage.has_value()) {
    return TenantDamaged(name, absl::StrCat("its entries: ", *damage));
  }
  if (!states.ok()) return states.status();
  const auto check = [&](int64_t revision, int64_t state) {
    if (states->At(revision) == state) return absl::OkStatus();
    return TenantDamaged(name,
                         absl::StrCat("revision ", revision, " lacks an entry or has one that does not belong to it"));
  };
  if (absl::Status first = check(range->first, tenant.first_state); !first.ok()) return first;
  if (absl::Status newest = check(range->newest, tenant.state); !newest.ok()) return newest;
  int64_t revision = range->first;
  SqliteQuery query(connection, "SELECT revision, state FROM changes WHERE tenant = ? ORDER BY revision", tenant.id);
  while (query.Next()) {
    const int64_t expected = RevisionAfter(*range, revision, 1);
    if (query.Int(0) != expected || expected == revision) break;
    revision = expected;
    budget.Spend(0);
    if (absl::Status state = check(revision, query.Int(1)); !state.ok()) return state;
  }
  if (!query.status().ok()) return query.status();
  if (revision == range->newest) return absl::OkStatus();
  return TenantDamaged(name, absl::StrCat("the change after revision ", revision, " is missing"));
}

absl::Status SqliteVerifier::CheckStates(SqliteConnection& connection) {
  SqliteQuery query(connection,
                    "SELECT id, revision, first_revision, commits, gaps, next_position, state, first_state, checksum, "
                    "name FROM tenants WHERE id > ? ORDER BY id",
                    last_);
  const auto check_row = [&](StepBudget& budget) {
    budget.Spend(0);
    const std::string name(query.Bytes(9));
    const absl::StatusOr<TenantRow> tenant = ReadTenantRow(query, 0, name);
    if (!tenant.ok()) return absl::OkStatus();  // was reported
    absl::Status checked = CheckTenantIndex(connection, name, *tenant);
    if (checked.ok()) checked = CheckStatesOf(connection, name, *tenant, budget);
    return checked;
  };
  return CheckRows(connection, query, check_row, "SELECT max(id) FROM tenants");
}

absl::Status VerifyRows(SqliteConnection& connection, const DamageListener& on_damage) {
  SqliteVerifier verifier(on_damage);
  absl::StatusOr<bool> more = true;
  while (more.ok() && *more) more = verifier.Step(connection);
  return more.status();
}

}  // namespace qconfig
