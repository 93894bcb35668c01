// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_VERIFIER_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_VERIFIER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/registry/storage/sqlite_connection.h"
#include "server/registry/storage/storage_damage.h"

namespace qconfig {

struct TenantRow;

// Checks everything in a registry's file that an answer depends on, in small steps: the checksum of each row, whether
// the indexes find it, and whether each tenant has the rows of all its states. Does not check free pages. The registry
// can change between steps. Not thread-safe.
class SqliteVerifier {
 public:
  explicit SqliteVerifier(DamageListener on_damage) : on_damage_(std::move(on_damage)) {}

  // Checks up to about 1 MiB of rows, and returns whether more are left. Fails if the file cannot be read; damage is no
  // failure. REQUIRES: all calls have connections to the same file.
  absl::StatusOr<bool> Step(SqliteConnection& connection);

 private:
  enum class Part { kTenants, kEntries, kChanges, kStates, kEnd };

  class StepBudget;

  // `check_row` checks the row of `query`, which has its number first, and spends the budget. `max_row` selects the
  // number of the last row.
  template <typename CheckRow>
  absl::Status CheckRows(SqliteConnection& connection, SqliteQuery& query, const CheckRow& check_row,
                         absl::string_view max_row);
  // These check the rows after `last_`.
  absl::Status CheckEntries(SqliteConnection& connection);
  absl::Status CheckChanges(SqliteConnection& connection);
  absl::Status CheckStates(SqliteConnection& connection);
  // Checks that each state of a tenant has its entries.
  static absl::Status CheckStatesOf(SqliteConnection& connection, const std::string& name, const TenantRow& tenant,
                                    StepBudget& budget);

  void Report(const absl::Status& damaged);
  // Ends the part if `status` is OK; if it is damage, reports it and skips rows.
  absl::Status EndPart(SqliteConnection& connection, const absl::Status& status, absl::string_view max_row);

  const DamageListener on_damage_;
  Part part_ = Part::kTenants;
  int64_t last_ = 0;     // the last row that was checked
  int64_t skipped_ = 0;  // rows before it that cannot be read
};

// Takes all steps for a file that no other program is using, or one state of a file. Fails as Step().
absl::Status VerifyRows(SqliteConnection& connection, const DamageListener& on_damage);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_VERIFIER_H_
