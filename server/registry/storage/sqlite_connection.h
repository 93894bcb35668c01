// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_CONNECTION_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_CONNECTION_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace qconfig {

// A connection to an SQLite database, with its prepared statements. This is the only place that maps errors of SQLite:
// to STORAGE_FULL if there is no space, otherwise to STORAGE_UNAVAILABLE, which is StorageDamaged() if SQLite finds
// damage.
// Not thread-safe; one thread at a time may use it.
class SqliteConnection {
 public:
  enum class Mode { kRead, kWrite };

  // Opens an existing file, without reading it. `busy_timeout` is how long to wait for locks of other processes.
  static absl::StatusOr<SqliteConnection> Open(const std::string& path, Mode mode, absl::Duration busy_timeout);

  // Whether closing the connection leaves the file's log unchanged. Otherwise SQLite writes the log into the file and
  // removes it when the last connection is closed.
  void KeepLogOnClose(bool keep);

  // Writes as much of the log as possible into the file, without waiting for other connections.
  void CheckpointLog();
  // Writes the log into the file and truncates it. Waits up to `max_wait` for readers of the log.
  absl::Status TruncateLog(absl::Duration max_wait);

  // STORAGE_UNAVAILABLE: the path no longer leads to the file that was opened. Reads the path each time.
  absl::Status CheckUnmoved() const;

  // Runs statements that return no rows.
  absl::Status Execute(const std::string& sql);

  // The path that was opened, for messages.
  const std::string& path() const { return path_; }
  absl::Duration busy_timeout() const { return busy_timeout_; }

  // The status of a call that returned `code`.
  absl::Status ToStatus(int code) const;

  // For calls without a wrapper here.
  sqlite3* handle() const { return handle_.get(); }

 private:
  friend class SqliteQuery;
  struct Closer {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  SqliteConnection(std::unique_ptr<sqlite3, Closer> handle, std::string path, absl::Duration busy_timeout)
      : path_(std::move(path)), busy_timeout_(busy_timeout), handle_(std::move(handle)) {}

  absl::StatusOr<sqlite3_stmt*> Prepared(absl::string_view sql);

  std::string path_;
  absl::Duration busy_timeout_;
  // In this order: statements are destroyed before their connection.
  std::unique_ptr<sqlite3, Closer> handle_;
  absl::flat_hash_map<absl::string_view, std::unique_ptr<sqlite3_stmt, Closer>> statements_;
};

// STORAGE_UNAVAILABLE: the file at `path` is not the one that the store has open.
absl::Status MovedWhileInUse(absl::string_view path);

// One execution of a statement, which is prepared once for each connection:
//
//   SqliteQuery query(connection, "SELECT name FROM tenants WHERE revision > ?", revision);
//   while (query.Next()) names.push_back(query.Text(0));
//   if (!query.status().ok()) return query.status();
//
// Not thread-safe.
class SqliteQuery {
 public:
  // Bytes to bind as a blob.
  struct Blob {
    absl::string_view bytes;
  };

  // REQUIRES: `sql` outlives the connection, text among `values` outlives the query, and no other query with the same
  // `sql` is running on the connection.
  template <typename... Values>
  SqliteQuery(SqliteConnection& connection, absl::string_view sql, const Values&... values) : connection_(connection) {
    Prepare(sql);
    int index = 0;
    (Bind(++index, values), ...);
  }
  ~SqliteQuery();
  SqliteQuery(const SqliteQuery&) = delete;
  SqliteQuery& operator=(const SqliteQuery&) = delete;

  // Advances to the next row, whose values the accessors return. False if there is none, or on failure; see status().
  bool Next();
  // Runs a statement that returns no rows.
  absl::Status Run();
  const absl::Status& status() const { return status_; }

  bool IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  int64_t Int(int column) const { return sqlite3_column_int64(statement_, column); }
  // Text or a blob. Valid until Next() or the end of the query.
  absl::string_view Bytes(int column) const;

 private:
  void Prepare(absl::string_view sql);
  void Bind(int index, int64_t value);
  void Bind(int index, absl::string_view text);
  void Bind(int index, const std::string& text) { Bind(index, absl::string_view(text)); }
  void Bind(int index, Blob blob);
  void Note(int code);

  SqliteConnection& connection_;
  sqlite3_stmt* statement_ = nullptr;
  absl::Status status_;
};

// A transaction, rolled back unless it is committed. Not thread-safe.
class SqliteTransaction {
 public:
  // A read transaction sees the database as of its first read. Does not wait.
  static absl::StatusOr<SqliteTransaction> BeginRead(SqliteConnection& connection);
  // A write transaction waits for other writers, up to the connection's busy timeout.
  static absl::StatusOr<SqliteTransaction> BeginWrite(SqliteConnection& connection);

  SqliteTransaction(SqliteTransaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  ~SqliteTransaction();

  // After a failure nothing is stored, except that the outcome of STORAGE_UNAVAILABLE after a crash is not known. The
  // connection can still be used.
  absl::Status Commit();

 private:
  explicit SqliteTransaction(SqliteConnection& connection) : connection_(&connection) {}

  SqliteConnection* connection_;  // null: the transaction has ended
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_CONNECTION_H_
