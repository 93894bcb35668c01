// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_STATES_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_STATES_H_

#include <cstdint>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "server/registry/storage/sqlite_connection.h"

namespace qconfig {

// The states of a tenant, as its rows of `entries` say: for each revision, the sum of the checksums of its entries.
// Immutable.
class SqliteStates {
 public:
  // Reads the checksums of the tenant's entries, but does not check them. REQUIRES: a transaction has begun.
  static absl::StatusOr<SqliteStates> Read(SqliteConnection& connection, int64_t tenant);

  int64_t At(int64_t revision) const;

 private:
  absl::btree_map<int64_t, int64_t> sums_;  // by the revision from which each is valid
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_STATES_H_
