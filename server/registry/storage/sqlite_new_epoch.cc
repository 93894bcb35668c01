// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_new_epoch.h"

#include <memory>

#include "server/registry/storage/sqlite_schema.h"
#include "server/registry/storage/sqlite_store.h"

namespace qconfig {

absl::StatusOr<int64_t> BeginSqliteEpochAt(const std::string& path,
                                           const std::function<void(const std::string&)>& warn) {
  if (absl::Status there = CheckRegistryFileExists(path); !there.ok()) return there;
  SqliteOptions options;
  options.path = path;
  bool begun = false;  // by opening the file
  options.warn = [&](const std::string& text) {
    begun = true;
    warn(text);
  };
  const absl::StatusOr<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(options);
  if (!store.ok()) return store.status();
  return begun ? (*store)->epoch() : (*store)->BeginEpoch();
}

}  // namespace qconfig
