// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_schema.h"

#include <algorithm>
#include <cstdint>
#include <fstream>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "server/registry/storage/durable_files.h"
#include "server/registry/storage/registry_store.h"
#include "server/registry/storage/sqlite_checksums.h"
#include "server/registry/storage/sqlite_verifier.h"
#include "server/registry/storage/storage_damage.h"

namespace qconfig {
namespace {

constexpr int64_t kApplicationId = 0x71636667;  // "qcfg"

// `until` of a current version is the largest integer; see server/registry/storage/sqlite_entries.cc. Values are the
// last column, so that SQLite finds the columns before them without reading the values.
constexpr char kVersion1[] = R"(
  PRAGMA application_id = 1902339687;

  CREATE TABLE tenants (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    revision       INTEGER NOT NULL,  -- the newest
    first_revision INTEGER NOT NULL   -- the first that can be read
  ) STRICT;

  -- Each version of each entry, there from revision `since` until the one before `until`.
  CREATE TABLE entries (
    tenant   INTEGER NOT NULL,
    kind     INTEGER NOT NULL,  -- 1: scheme, 2: template, 3: default catalogue
    name     TEXT NOT NULL,
    position INTEGER NOT NULL,  -- among those of its kind
    since    INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    value    BLOB NOT NULL      -- qconfig.v1.Scheme, qconfig.v1.LlmTemplate, a name
  ) STRICT;
  CREATE UNIQUE INDEX entries_in_order ON entries (tenant, until, kind, position);
  CREATE UNIQUE INDEX entries_current ON entries (tenant, kind, name) WHERE until = 9223372036854775807;

  -- The writes after tenants.first_revision.
  CREATE TABLE changes (
    tenant         INTEGER NOT NULL,
    revision       INTEGER NOT NULL,
    time           INTEGER NOT NULL,  -- microseconds since 1970
    request_id     TEXT NOT NULL,
    request_digest BLOB NOT NULL,
    value          BLOB NOT NULL      -- qconfig.v1.ChangeRecord
  ) STRICT;
  CREATE UNIQUE INDEX changes_in_order ON changes (tenant, revision);
  CREATE UNIQUE INDEX changes_by_request ON changes (tenant, request_id) WHERE request_id <> '';
)";
static_assert(kApplicationId == 1902339687);

// Commits are counted by tenant, because one row for all tenants would add a page to each transaction. Gaps are in the
// tenant's row, so that a tenant without gaps needs no other query.
constexpr char kVersion2[] = R"(
  ALTER TABLE tenants ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tenants ADD COLUMN gaps TEXT NOT NULL DEFAULT '';  -- "5:3630000000000 ": no revision is between the two
  UPDATE tenants SET commits = revision - 1;

  -- One row.
  CREATE TABLE meta (
    epoch     INTEGER NOT NULL,  -- its first revision number; 0: the first epoch
    is_backup INTEGER NOT NULL   -- 1: opening the file begins an epoch
  ) STRICT;
  INSERT INTO meta VALUES (0, 0);
)";

// See server/registry/storage/sqlite_rows.h; FillChecksums() sets the columns of existing rows.
constexpr char kVersion3[] = R"(
  ALTER TABLE meta ADD COLUMN tenant_count INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE meta ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

  ALTER TABLE tenants ADD COLUMN next_position INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tenants ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tenants ADD COLUMN first_state INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tenants ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

  ALTER TABLE entries ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

  ALTER TABLE changes ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE changes ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
)";

absl::StatusOr<int64_t> ReadInt(SqliteConnection& connection, absl::string_view pragma) {
  SqliteQuery query(connection, pragma);
  const bool found = query.Next();
  if (!query.status().ok()) return query.status();
  return found ? query.Int(0) : 0;
}

absl::Status Rejected(absl::string_view path, absl::string_view problem, absl::string_view advice) {
  return absl::FailedPreconditionError(absl::StrCat(path, " ", problem, "; ", advice));
}

absl::Status NotARegistry(absl::string_view path, absl::string_view problem) {
  return Rejected(path, problem, "name another file, or move this one away to begin an empty registry");
}

absl::Status Damaged(absl::string_view path, absl::string_view problem) {
  return Rejected(path, absl::StrCat("is damaged: ", absl::StrReplaceAll(problem, {{"\n", " "}})),
                  "move it and its -wal file away together and put a backup in its place");
}

// The error for a failed check of the file.
absl::Status CheckFailure(const SqliteConnection& connection, const std::string& path, const absl::Status& failed) {
  const int code = sqlite3_errcode(connection.handle()) & 0xff;
  if (code == SQLITE_NOTADB) return NotARegistry(path, "is not an SQLite database");
  // SQLITE_ERROR: SQLite does not know the file format.
  if (code == SQLITE_CORRUPT || code == SQLITE_ERROR)
    return Damaged(path, DamageIn(failed).value_or(std::string(failed.message())));
  return failed;
}

absl::Status LookForDamage(SqliteConnection& connection, const std::string& path) {
  SqliteQuery query(connection, "PRAGMA integrity_check(1)");
  const bool found = query.Next();
  if (!query.status().ok()) return CheckFailure(connection, path, query.status());
  return found && query.Bytes(0) == "ok" ? absl::OkStatus() : Damaged(path, query.Bytes(0));
}

uint32_t Little(const std::string& bytes, size_t at) {
  const auto byte = [&](size_t i) { return uint32_t{static_cast<uint8_t>(bytes[at + i])}; };
  return byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
}

uint32_t Big(const std::string& bytes, size_t at) { return __builtin_bswap32(Little(bytes, at)); }

// The checksum of SQLite's logs, in the byte order of logs written on this machine.
struct LogChecksum {
  uint32_t first = 0;
  uint32_t second = 0;

  void Add(const std::string& bytes, size_t from, size_t to) {
    for (; from < to; from += 8) {
      first += Little(bytes, from) + second;
      second += Little(bytes, from + 4) + first;
    }
  }
};

// The index beside a log, which survives a killed process, says where the synced part of the log ends. SQLite itself
// assumes that a log ends at the first frame with a wrong checksum, and discards the frames after it.
absl::Status CheckLog(const std::string& path) {
  constexpr uint32_t kLittleEndianLog = 0x377f0682;
  constexpr size_t kFrameHeader = 24;
  std::string index(96, '\0');   // the same 48 bytes twice: at 16 the newest frame, at 32 the salt, then a checksum
  std::string header(32, '\0');  // at 0 a number, at 8 the page size, at 16 the salt, then a checksum
  std::ifstream index_file(path + "-shm", std::ios::binary);
  std::ifstream log(path + "-wal", std::ios::binary);
  const auto read = [](std::ifstream& file, std::string& bytes) {
    return static_cast<bool>(file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())));
  };
  if (!read(index_file, index) || !read(log, header) || Big(header, 0) != kLittleEndianLog) return absl::OkStatus();
  LogChecksum of_index;
  of_index.Add(index, 0, 40);
  const bool whole = index.compare(0, 48, index, 48, 48) == 0 && of_index.first == Little(index, 40) &&
                     of_index.second == Little(index, 44);
  const bool of_this_log = index.compare(32, 8, header, 16, 8) == 0;
  if (!whole || !of_this_log) return absl::OkStatus();  // happens after a crash of the machine

  LogChecksum sum;
  sum.Add(header, 0, 24);
  bool sound = sum.first == Big(header, 24) && sum.second == Big(header, 28);
  std::string frame(sound ? kFrameHeader + Big(header, 8) : 0, '\0');
  for (uint32_t i = Little(index, 16); sound && i > 0; --i) {
    sound = read(log, frame) && frame.compare(8, 8, header, 16, 8) == 0;
    if (!sound) break;
    sum.Add(frame, 0, 8);
    sum.Add(frame, kFrameHeader, frame.size());
    sound = sum.first == Big(frame, 16) && sum.second == Big(frame, 20);
  }
  return sound ? absl::OkStatus() : Damaged(path, "its -wal file has a wrong checksum");
}

// Uses a log that is synced at each commit.
absl::Status SetDurable(SqliteConnection& connection) {
  if (absl::Status set = connection.Execute("PRAGMA synchronous = FULL"); !set.ok()) return set;
  SqliteQuery query(connection, "PRAGMA journal_mode = WAL");
  const bool found = query.Next();
  if (!query.status().ok()) return query.status();
  if (found && query.Bytes(0) == "wal") return absl::OkStatus();
  return StorageUnavailable("the file system does not support write-ahead logs; use a local disk");
}

// The migrations of a registry's file. Backups of version 1 have no mark. But a server's file always uses a write-ahead
// log, and a backup never does, so the migration to version 2 marks files that do not.
absl::StatusOr<std::vector<SqliteMigration>> SelectMigrations(SqliteConnection& connection) {
  std::vector<SqliteMigration> migrations = SqliteMigrations();
  const absl::StatusOr<int64_t> version = ReadInt(connection, "PRAGMA user_version");
  if (!version.ok()) return version.status();
  SqliteQuery query(connection, "PRAGMA journal_mode");
  const bool found = query.Next();
  if (!query.status().ok()) return query.status();
  if (*version == 1 && found && query.Bytes(0) != "wal") migrations[1].sql += "UPDATE meta SET is_backup = 1;";
  return migrations;
}

// Uses another name first, so that there is never an incomplete registry at `path`.
absl::Status CreateRegistry(const std::string& path) {
  const absl::StatusOr<std::string> unfinished = CreateUnfinishedFile(path);
  if (!unfinished.ok()) return unfinished.status();
  const absl::Cleanup remove = [&unfinished] { RemoveDatabase(*unfinished); };
  {
    absl::StatusOr<SqliteConnection> connection =
        SqliteConnection::Open(*unfinished, SqliteConnection::Mode::kWrite, absl::ZeroDuration());
    if (!connection.ok()) return connection.status();
    if (absl::Status migrated = Migrate(*connection, SqliteMigrations()); !migrated.ok()) return migrated;
    if (absl::Status set = SetDurable(*connection); !set.ok()) return set;
  }
  return PublishFile(*unfinished, path);
}

}  // namespace

const std::vector<SqliteMigration>& SqliteMigrations() {
  static const auto* const kMigrations =
      new std::vector<SqliteMigration>{{kVersion1}, {kVersion2}, {kVersion3, FillChecksums}};
  return *kMigrations;
}

absl::Status Migrate(SqliteConnection& connection, const std::vector<SqliteMigration>& migrations) {
  const absl::StatusOr<int64_t> version = ReadInt(connection, "PRAGMA user_version");
  if (!version.ok()) return version.status();
  for (auto next = static_cast<size_t>(*version); next < migrations.size(); ++next) {
    absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginWrite(connection);
    if (!transaction.ok()) return transaction.status();
    const SqliteMigration& migration = migrations[next];
    const std::string sql = absl::StrCat(migration.sql, "; PRAGMA user_version = ", next + 1);
    if (absl::Status migrated = connection.Execute(sql); !migrated.ok()) return migrated;
    if (migration.fill != nullptr) {
      if (absl::Status filled = migration.fill(connection); !filled.ok()) return filled;
    }
    if (absl::Status committed = transaction->Commit(); !committed.ok()) return committed;
  }
  return absl::OkStatus();
}

absl::Status MarkAsRegistry(SqliteConnection& connection) {
  return connection.Execute(absl::StrCat("PRAGMA application_id = ", kApplicationId));
}

absl::Status CheckRegistry(SqliteConnection& connection, const std::string& path, bool thorough) {
  const absl::StatusOr<int64_t> application = ReadInt(connection, "PRAGMA application_id");
  if (!application.ok()) return CheckFailure(connection, path, application.status());
  if (*application != kApplicationId) return NotARegistry(path, "is a database of another application");
  const absl::StatusOr<int64_t> version = ReadInt(connection, "PRAGMA user_version");
  if (!version.ok()) return CheckFailure(connection, path, version.status());
  if (*version < 1) return Damaged(path, absl::StrCat("version ", *version, " does not exist"));
  const auto newest = static_cast<int64_t>(SqliteMigrations().size());
  if (*version > newest) {
    return Rejected(path, absl::StrCat("has version ", *version, ", but this release supports versions up to ", newest),
                    "use the release of qconfig that wrote it, or a later one");
  }
  return thorough ? LookForDamage(connection, path) : absl::OkStatus();
}

absl::Status CheckRows(SqliteConnection& connection, const std::string& path) {
  const absl::StatusOr<int64_t> version = ReadInt(connection, "PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (*version < static_cast<int64_t>(SqliteMigrations().size())) {
    return Rejected(path, absl::StrCat("has version ", *version, ", whose rows have no checksums"),
                    "make a backup of it and check the backup");
  }
  std::vector<std::string> damages;
  const absl::Status read = VerifyRows(connection, [&](const std::string& what) { damages.push_back(what); });
  if (!read.ok()) return read;
  if (damages.empty()) return absl::OkStatus();
  constexpr size_t kMaxNamed = 20;
  const size_t more = damages.size() - std::min(damages.size(), kMaxNamed);
  damages.resize(damages.size() - more);
  return Damaged(path,
                 absl::StrCat(absl::StrJoin(damages, "; "), more > 0 ? absl::StrCat("; and ", more, " more") : ""));
}

absl::Status CheckRegistryFileExists(const std::string& path) {
  const absl::StatusOr<int64_t> size = FileSize(path);
  if (!size.ok()) return size.status();
  if (*size > 0) return absl::OkStatus();
  return Rejected(path, *size < 0 ? "does not exist" : "is empty", "name the file of the server's registry");
}

absl::StatusOr<SqliteConnection> OpenRegistry(const std::string& path, absl::Duration busy_timeout,
                                              int64_t max_checked_bytes) {
  const absl::StatusOr<int64_t> size = FileSize(path);
  const absl::StatusOr<int64_t> log_size = FileSize(path + "-wal");
  if (!size.ok()) return size.status();
  if (!log_size.ok()) return log_size.status();
  if (*size == 0) return NotARegistry(path, "is empty");
  if (*size < 0 && *log_size > 0) {
    return Rejected(path, "is missing, but its -wal file exists",
                    "put the file back, or move the -wal file away to begin an empty registry");
  }
  if (*size < 0) {
    if (absl::Status created = CreateRegistry(path); !created.ok()) return created;
  }
  if (*log_size > 0) {
    if (absl::Status sound = CheckLog(path); !sound.ok()) return sound;
  }
  absl::StatusOr<SqliteConnection> connection =
      SqliteConnection::Open(path, SqliteConnection::Mode::kWrite, busy_timeout);
  if (!connection.ok()) return connection.status();
  connection->KeepLogOnClose(*log_size > 0);  // in case the file is rejected
  const bool thorough = *size + *log_size < max_checked_bytes;
  if (absl::Status checked = CheckRegistry(*connection, path, thorough); !checked.ok()) return checked;
  connection->KeepLogOnClose(false);
  const absl::StatusOr<std::vector<SqliteMigration>> migrations = SelectMigrations(*connection);
  if (!migrations.ok()) return migrations.status();
  if (absl::Status migrated = Migrate(*connection, *migrations); !migrated.ok()) return migrated;
  // A backup does not use this mode.
  if (absl::Status set = SetDurable(*connection); !set.ok()) return set;
  return connection;
}

}  // namespace qconfig
