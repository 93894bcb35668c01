// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_check.h"

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/registry/storage/durable_files.h"
#include "server/registry/storage/sqlite_connection.h"
#include "server/registry/storage/sqlite_schema.h"

namespace qconfig {

absl::Status CheckSqlite(const std::string& path) {
  const absl::StatusOr<std::string> file = CanonicalPath(path);
  if (!file.ok()) return file.status();
  if (absl::Status there = CheckRegistryFileExists(*file); !there.ok()) return there;
  absl::StatusOr<SqliteConnection> connection =
      SqliteConnection::Open(*file, SqliteConnection::Mode::kRead, absl::Seconds(30));
  if (!connection.ok()) return connection.status();
  const absl::StatusOr<int64_t> log_size = FileSize(*file + "-wal");
  if (!log_size.ok()) return log_size.status();
  connection->KeepLogOnClose(*log_size > 0);  // a server will write it into the file
  if (absl::Status checked = CheckRegistry(*connection, *file, /*thorough=*/true); !checked.ok()) return checked;
  return CheckRows(*connection, *file);
}

}  // namespace qconfig
