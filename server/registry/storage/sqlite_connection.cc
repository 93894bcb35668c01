// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_connection.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "server/registry/storage/registry_store.h"
#include "server/registry/storage/storage_damage.h"

namespace qconfig {
namespace {

constexpr size_t kMaxTextChars = 500;

// Whether a write failed for lack of space. A failed sync does not count, because what was written may still exist
// after a crash: STORAGE_FULL promises that nothing is stored.
bool IsOutOfSpace(int code, int system_error) {
  switch (code) {
    case SQLITE_FULL:
      return true;
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_TRUNCATE:
    case SQLITE_IOERR_SHMSIZE:
      return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
    default:
      return false;
  }
}

// After a failed COMMIT, SQLite has the system's error only in the file of the log that could not be written.
int GetSystemError(sqlite3* handle, int code) {
  int error = 0;
  sqlite3_file* log = nullptr;
  if (code == SQLITE_IOERR_WRITE)
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
  if (log != nullptr && log->pMethods != nullptr) log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
  return error != 0 ? error : sqlite3_system_errno(handle);
}

void SetBusyTimeout(sqlite3* handle, absl::Duration timeout) {
  sqlite3_busy_timeout(handle, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
}

bool IsIoError(int code) { return (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN; }

}  // namespace

absl::StatusOr<SqliteConnection> SqliteConnection::Open(const std::string& path, Mode mode,
                                                        absl::Duration busy_timeout) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(
      path.c_str(), &opened,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE, nullptr);
  // There is a handle even if opening failed; it has the error and must be closed.
  SqliteConnection connection(std::unique_ptr<sqlite3, Closer>(opened), path, busy_timeout);
  if (code != SQLITE_OK) return connection.ToStatus(code);
  SetBusyTimeout(opened, busy_timeout);
  const absl::Status configured =
      connection.Execute(absl::StrCat("PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; ",
                                      "PRAGMA secure_delete = FAST; ",  // the default also overwrites each freed page
                                      "PRAGMA query_only = ", mode == Mode::kRead ? "ON" : "OFF"));
  if (!configured.ok()) return configured;
  return connection;
}

void SqliteConnection::KeepLogOnClose(bool keep) {
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep ? 1 : 0, nullptr);
}

void SqliteConnection::CheckpointLog() {
  sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

absl::Status SqliteConnection::TruncateLog(absl::Duration max_wait) {
  SetBusyTimeout(handle_.get(), max_wait);
  const int code = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  absl::Status emptied = ToStatus(code);
  SetBusyTimeout(handle_.get(), busy_timeout_);
  return emptied;
}

absl::Status SqliteConnection::CheckUnmoved() const {
  int moved = 0;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved == 0 ? absl::OkStatus() : MovedWhileInUse(path_);
}

absl::Status SqliteConnection::Execute(const std::string& sql) {
  return ToStatus(sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr));
}

absl::Status SqliteConnection::ToStatus(int code) const {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return absl::OkStatus();
  // The handle's text is more precise than the code, but belongs to the handle's last failure.
  const bool is_last = handle_ != nullptr && sqlite3_extended_errcode(handle_.get()) == code;
  // It can quote bytes of a damaged file.
  const std::string text = Printable(is_last ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code), kMaxTextChars);
  if ((code & 0xff) == SQLITE_CORRUPT) return StorageDamaged(absl::StrCat(text, " (", code, ")"));
  const int system_error = is_last ? GetSystemError(handle_.get(), code) : 0;
  std::string what = absl::StrCat(text, " (", code, ")");
  if (IsIoError(code) && system_error != 0) absl::StrAppend(&what, ": ", std::strerror(system_error));
  const std::string problem = absl::StrCat("the registry's database ", path_, ": ", what);
  const std::string for_clients = absl::StrCat("the registry's database: ", what);
  return IsOutOfSpace(code, system_error) ? StorageFull(problem, for_clients)
                                          : StorageUnavailable(problem, for_clients);
}

absl::StatusOr<sqlite3_stmt*> SqliteConnection::Prepared(absl::string_view sql) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return known->second.get();
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return ToStatus(code);
  statements_[sql].reset(statement);
  return statement;
}

absl::Status MovedWhileInUse(absl::string_view path) {
  constexpr char kWhat[] = " was moved or replaced while the server was using it; restart the server";
  return StorageUnavailable(absl::StrCat(path, kWhat), absl::StrCat("the registry's database", kWhat));
}

SqliteQuery::~SqliteQuery() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void SqliteQuery::Prepare(absl::string_view sql) {
  const absl::StatusOr<sqlite3_stmt*> prepared = connection_.Prepared(sql);
  status_ = prepared.status();
  if (prepared.ok()) statement_ = *prepared;
}

void SqliteQuery::Note(int code) {
  if (status_.ok()) status_ = connection_.ToStatus(code);
}

void SqliteQuery::Bind(int index, int64_t value) {
  if (status_.ok()) Note(sqlite3_bind_int64(statement_, index, value));
}

// An empty text must not be a null pointer, which SQLite would store as NULL.
void SqliteQuery::Bind(int index, absl::string_view text) {
  if (!status_.ok()) return;
  Note(
      sqlite3_bind_text64(statement_, index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void SqliteQuery::Bind(int index, Blob blob) {
  if (!status_.ok()) return;
  Note(sqlite3_bind_blob64(statement_, index, blob.bytes.empty() ? "" : blob.bytes.data(), blob.bytes.size(),
                           SQLITE_STATIC));
}

bool SqliteQuery::Next() {
  if (!status_.ok()) return false;
  const int code = sqlite3_step(statement_);
  Note(code);
  return code == SQLITE_ROW;
}

absl::Status SqliteQuery::Run() {
  Next();
  return status_;
}

absl::string_view SqliteQuery::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? absl::string_view() : absl::string_view(static_cast<const char*>(bytes), size);
}

absl::StatusOr<SqliteTransaction> SqliteTransaction::BeginRead(SqliteConnection& connection) {
  if (absl::Status begun = SqliteQuery(connection, "BEGIN").Run(); !begun.ok()) return begun;
  return SqliteTransaction(connection);
}

absl::StatusOr<SqliteTransaction> SqliteTransaction::BeginWrite(SqliteConnection& connection) {
  if (absl::Status begun = SqliteQuery(connection, "BEGIN IMMEDIATE").Run(); !begun.ok()) return begun;
  return SqliteTransaction(connection);
}

SqliteTransaction::~SqliteTransaction() {
  // After some failures SQLite has already rolled back, and a second rollback is an error.
  if (connection_ == nullptr || sqlite3_get_autocommit(connection_->handle()) != 0) return;
  SqliteQuery(*connection_, "ROLLBACK").Run().IgnoreError();
}

absl::Status SqliteTransaction::Commit() {
  absl::Status committed = SqliteQuery(*connection_, "COMMIT").Run();
  if (committed.ok()) connection_ = nullptr;
  return committed;
}

}  // namespace qconfig
