// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_states.h"

#include <iterator>

#include "server/registry/storage/checksum.h"

namespace qconfig {

absl::StatusOr<SqliteStates> SqliteStates::Read(SqliteConnection& connection, int64_t tenant) {
  SqliteStates states;
  SqliteQuery query(connection, "SELECT since, until, checksum FROM entries WHERE tenant = ?", tenant);
  while (query.Next()) {
    int64_t& begun = states.sums_[query.Int(0)];
    begun = AddChecksum(begun, query.Int(2));
    int64_t& ended = states.sums_[query.Int(1)];
    ended = RemoveChecksum(ended, query.Int(2));
  }
  if (!query.status().ok()) return query.status();
  int64_t sum = 0;
  for (auto& [revision, change] : states.sums_) {
    sum = AddChecksum(sum, change);
    change = sum;
  }
  return states;
}

int64_t SqliteStates::At(int64_t revision) const {
  const auto after = sums_.upper_bound(revision);
  return after == sums_.begin() ? 0 : std::prev(after)->second;
}

}  // namespace qconfig
