// SPDX-License-Identifier: Apache-2.0
#include "server/storage/sqlite_store.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/storage/durable_files.h"
#include "server/storage/sqlite_registry.h"
#include "server/storage/sqlite_schema.h"

namespace qconfig {
namespace {

// After a large transaction the log is cut to this again.
constexpr int64_t kMaxLogBytes = int64_t{64} << 20;

// The same for all names that lead to one file, so that there is one lock for it.
absl::StatusOr<std::string> CanonicalPath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path canonical =
      std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  if (error) return StorageUnavailable(absl::StrCat("cannot resolve ", path, ": ", error.message()));
  return canonical.string();
}

absl::Status LimitSize(SqliteConnection& connection, int64_t max_bytes) {
  absl::Status limited = connection.Execute(absl::StrCat("PRAGMA journal_size_limit = ", kMaxLogBytes));
  if (!limited.ok() || max_bytes == 0) return limited;
  SqliteQuery query(connection, "PRAGMA page_size");
  query.Next();
  if (!query.status().ok()) return query.status();
  return connection.Execute(absl::StrCat("PRAGMA max_page_count = ", max_bytes / query.Int(0)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const SqliteOptions& options) {
  if (absl::Status created = CreateDirectoryOf(options.path); !created.ok()) return created;
  const absl::StatusOr<std::string> path = CanonicalPath(options.path);
  if (!path.ok()) return path.status();
  absl::StatusOr<FileLock> lock = FileLock::Acquire(*path + ".lock");
  if (!lock.ok()) return lock.status();
  absl::StatusOr<SqliteConnection> connection = OpenRegistry(*path, options.busy_timeout);
  if (!connection.ok()) return connection.status();
  if (absl::Status limited = LimitSize(*connection, options.max_bytes); !limited.ok()) return limited;
  return std::unique_ptr<SqliteStore>(new SqliteStore(*std::move(lock), *path, *std::move(connection), options));
}

SqliteStore::SqliteStore(FileLock lock, const std::string& path, SqliteConnection connection,
                         const SqliteOptions& options)
    : lock_(std::move(lock)), writer_(std::move(connection), options.history), readers_(path, options.busy_timeout) {}

absl::StatusOr<RevisionRange> SqliteStore::Commit(const TenantId& tenant, const RegistryCommit& commit) {
  return writer_.Commit(tenant, commit);
}

absl::StatusOr<RevisionRange> SqliteStore::Revisions(const TenantId& tenant) const {
  absl::StatusOr<SqliteReadPool::Lease> reader = readers_.Borrow();
  if (!reader.ok()) return reader.status();
  return ReadRevisions(reader->connection(), tenant);
}

absl::StatusOr<RegistryState> SqliteStore::Load(const TenantId& tenant, int64_t revision) const {
  absl::StatusOr<SqliteReadPool::Lease> reader = readers_.Borrow();
  if (!reader.ok()) return reader.status();
  return ReadState(reader->connection(), tenant, revision);
}

absl::StatusOr<std::vector<v1::ChangeRecord>> SqliteStore::ChangesSince(const TenantId& tenant, int64_t revision,
                                                                        size_t max_changes) const {
  absl::StatusOr<SqliteReadPool::Lease> reader = readers_.Borrow();
  if (!reader.ok()) return reader.status();
  return ReadChanges(reader->connection(), tenant, revision, max_changes);
}

absl::StatusOr<std::optional<RegistryCommit>> SqliteStore::FindRequest(const TenantId& tenant,
                                                                       const std::string& request_id) const {
  absl::StatusOr<SqliteReadPool::Lease> reader = readers_.Borrow();
  if (!reader.ok()) return reader.status();
  return ReadRequest(reader->connection(), tenant, request_id);
}

}  // namespace qconfig
