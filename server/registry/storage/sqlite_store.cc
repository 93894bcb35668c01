// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_store.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/durable_files.h"
#include "server/registry/storage/sqlite_epoch.h"
#include "server/registry/storage/sqlite_schema.h"

namespace qconfig {
namespace {

// kFailedPrecondition: `path` cannot be the file of a registry.
absl::Status CheckName(const std::string& path) {
  const absl::StatusOr<FileFacts> facts = StatFile(path);
  if (!facts.ok()) return facts.status();
  const std::string name = std::filesystem::path(path).filename();
  if (facts->is_directory || name.empty() || name == "." || name == "..") {
    return absl::FailedPreconditionError(absl::StrCat(path, " is a directory; name a file in it"));
  }
  if (facts->is_dangling_link) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is a dangling symbolic link; name the file that it should point to"));
  }
  // The lock and the log are beside one of the names. Processes that use another name would not see them.
  if (facts->names > 1) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " has ", facts->names, " hard links; remove the others, or use a copy of the file"));
  }
  return absl::OkStatus();
}

absl::Status LimitSize(SqliteConnection& connection, int64_t max_bytes) {
  if (max_bytes == 0) return absl::OkStatus();
  SqliteQuery query(connection, "PRAGMA page_size");
  query.Next();
  if (!query.status().ok()) return query.status();
  return connection.Execute(absl::StrCat("PRAGMA max_page_count = ", max_bytes / query.Int(0)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const SqliteOptions& options) {
  if (absl::Status named = CheckName(options.path); !named.ok()) return named;
  if (absl::Status created = CreateParentDirectory(options.path); !created.ok()) return created;
  const absl::StatusOr<std::string> path = CanonicalPath(options.path);
  if (!path.ok()) return path.status();  // the canonical path has one lock for each file
  absl::StatusOr<FileLock> lock = FileLock::Acquire(*path);
  if (!lock.ok()) return lock.status();
  absl::StatusOr<SqliteConnection> connection = OpenRegistry(*path, options.busy_timeout, options.max_checked_bytes);
  if (!connection.ok()) return connection.status();
  if (absl::Status limited = LimitSize(*connection, options.max_bytes); !limited.ok()) return limited;
  const absl::StatusOr<FileFacts> file = StatFile(*path);
  if (!file.ok()) return file.status();
  if (absl::Status unmoved = connection->CheckUnmoved(); !unmoved.ok()) return unmoved;
  absl::StatusOr<std::unique_ptr<CommitsFile>> commits = CommitsFile::Open(*path);
  if (!commits.ok()) return commits.status();
  auto tenants = std::make_unique<TenantList>();
  const absl::StatusOr<TenantTotals> totals = ReadTenants(*connection, *tenants, options.on_damage);
  if (!totals.ok()) return totals.status();
  const absl::Status begun = BeginEpochIfRestored(*connection, **commits, *totals, options.clock.Now(), options.warn);
  if (!begun.ok()) return begun;
  absl::StatusOr<SqliteLog> log = SqliteLog::Open(*path);  // exists since the epoch was read
  if (!log.ok()) return log.status();
  return std::unique_ptr<SqliteStore>(new SqliteStore(*std::move(lock), *path, *file, *std::move(connection),
                                                      *std::move(log), *std::move(commits), std::move(tenants), *totals,
                                                      options));
}

SqliteStore::SqliteStore(FileLock lock, const std::string& path, const FileFacts& file, SqliteConnection connection,
                         SqliteLog log, std::unique_ptr<CommitsFile> commits, std::unique_ptr<TenantList> tenants,
                         const TenantTotals& totals, const SqliteOptions& options)
    : lock_(std::move(lock)),
      path_(path),
      busy_timeout_(options.busy_timeout),
      clock_(options.clock),
      on_damage_(options.on_damage),
      newest_when_opened_(totals.newest_write),
      commits_(std::move(commits)),
      tenants_(std::move(tenants)),
      writer_(std::move(connection), std::move(log), lock_, *commits_, *tenants_, options.history, totals.tenants,
              options.clock),
      readers_(path, file, options.busy_timeout) {
  if (options.scrub_interval <= absl::ZeroDuration()) return;
  scrubber_ = std::make_unique<SqliteScrubber>(path, file, options.busy_timeout, options.scrub_interval, on_damage_);
}

template <typename Read>
auto SqliteStore::OnReader(Read read) const {
  using Result = decltype(read(std::declval<SqliteConnection&>()));
  absl::StatusOr<SqliteReadPool::Lease> reader = readers_.Borrow();
  Result result = reader.ok() ? read(reader->connection()) : Result(reader.status());
  if (const auto damage = DamageIn(result.status()); damage.has_value()) on_damage_(*damage);
  return result;
}

absl::StatusOr<RevisionRange> SqliteStore::Commit(const TenantId& tenant, const RegistryCommit& commit) {
  absl::StatusOr<RevisionRange> range = writer_.Commit(tenant, commit);
  if (const auto damage = DamageIn(range.status()); damage.has_value()) on_damage_(*damage);
  return range;
}

absl::StatusOr<int64_t> SqliteStore::BeginEpoch() {
  absl::StatusOr<SqliteConnection> connection =
      SqliteConnection::Open(path_, SqliteConnection::Mode::kWrite, busy_timeout_);
  if (!connection.ok()) return connection.status();
  if (absl::Status set = connection->Execute("PRAGMA synchronous = FULL"); !set.ok()) return set;
  return BeginSqliteEpoch(*connection, *commits_, clock_.Now());
}

absl::StatusOr<RevisionRange> SqliteStore::Revisions(const TenantId& tenant) const {
  return OnReader([&](SqliteConnection& connection) { return ReadRevisions(connection, *tenants_, tenant); });
}

absl::StatusOr<RegistryState> SqliteStore::Load(const TenantId& tenant, int64_t revision) const {
  return OnReader([&](SqliteConnection& connection) { return ReadState(connection, *tenants_, tenant, revision); });
}

absl::StatusOr<std::vector<v1::ChangeRecord>> SqliteStore::ChangesSince(const TenantId& tenant, int64_t revision,
                                                                        size_t max_changes) const {
  return OnReader(
      [&](SqliteConnection& connection) { return ReadChanges(connection, *tenants_, tenant, revision, max_changes); });
}

absl::StatusOr<std::optional<RegistryCommit>> SqliteStore::FindRequest(const TenantId& tenant,
                                                                       const std::string& request_id) const {
  return OnReader([&](SqliteConnection& connection) { return ReadRequest(connection, *tenants_, tenant, request_id); });
}

absl::StatusOr<int64_t> SqliteStore::LastRevisionWith(const TenantId& tenant, EntryType type, const std::string& name,
                                                      int64_t revision) const {
  return OnReader([&](SqliteConnection& connection) {
    return ReadLastRevisionWith(connection, *tenants_, tenant, type, name, revision);
  });
}

}  // namespace qconfig
