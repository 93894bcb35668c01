// SPDX-License-Identifier: Apache-2.0
#include "server/storage/sqlite_new_epoch.h"

#include <memory>

#include "server/storage/sqlite_schema.h"
#include "server/storage/sqlite_store.h"

namespace qconfig {

absl::StatusOr<int64_t> BeginSqliteEpochAt(const std::string& path) {
  if (absl::Status there = CheckRegistryFileExists(path); !there.ok()) return there;
  SqliteOptions options;
  options.path = path;
  const absl::StatusOr<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(options);
  if (!store.ok()) return store.status();
  return (*store)->BeginEpoch();
}

}  // namespace qconfig
