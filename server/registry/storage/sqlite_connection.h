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

// One connection to a SQLite database, with the statements that were prepared on it. Whatever SQLite fails with becomes
// a status here and nowhere else: STORAGE_FULL when there is no room, else STORAGE_UNAVAILABLE.
// Not thread-safe; one thread at a time may use it.
class SqliteConnection {
 public:
  enum class Mode { kRead, kWrite };

  // Opens a file that exists, without looking into it. `busy_timeout` is how long to wait for locks of other processes.
  static absl::StatusOr<SqliteConnection> Open(const std::string& path, Mode mode, absl::Duration busy_timeout);

  // Whether the file's log stays as it is when the connection ends. Else SQLite writes it into the file, and removes
  // it, when no other connection is left.
  void LeaveLog(bool leave);

  // Writes what it can of the log into the file now, without waiting for anybody.
  void CopyLog();
  // Writes the log into the file and cuts it to nothing. Waits `max_wait` at the most for those who read from the log.
  absl::Status EmptyLog(absl::Duration max_wait);

  // STORAGE_UNAVAILABLE: the path no longer leads to the file that was opened. Costs a look at the path.
  absl::Status CheckUnmoved() const;

  // Runs statements that give no rows.
  absl::Status Execute(const std::string& sql);

  // The path that was opened; messages have it.
  const std::string& path() const { return path_; }
  absl::Duration busy_timeout() const { return busy_timeout_; }

  // The status of a call that gave `code`.
  absl::Status StatusOf(int code) const;

  // For calls that have no wrapper here.
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
  // In this order: statements go before their connection.
  std::unique_ptr<sqlite3, Closer> handle_;
  absl::flat_hash_map<absl::string_view, std::unique_ptr<sqlite3_stmt, Closer>> statements_;
};

// STORAGE_UNAVAILABLE: what stands at `path` is not what a store has open.
absl::Status MovedWhileServed(absl::string_view path);

// One run of a statement, which is prepared once for each connection:
//
//   SqliteQuery query(connection, "SELECT name FROM tenants WHERE revision > ?", revision);
//   while (query.Next()) names.push_back(query.Text(0));
//   if (!query.status().ok()) return query.status();
//
// Not thread-safe.
class SqliteQuery {
 public:
  // Text given as a blob.
  struct Blob {
    absl::string_view bytes;
  };

  // REQUIRES: `sql` lives as long as the connection, the text among `values` as long as the query, and no other query
  // with the same `sql` is running on the connection.
  template <typename... Values>
  SqliteQuery(SqliteConnection& connection, absl::string_view sql, const Values&... values) : connection_(connection) {
    Prepare(sql);
    int index = 0;
    (Bind(++index, values), ...);
  }
  ~SqliteQuery();
  SqliteQuery(const SqliteQuery&) = delete;
  SqliteQuery& operator=(const SqliteQuery&) = delete;

  // Whether there is another row, which the accessors then are about. False also when something failed.
  bool Next();
  // Runs a statement that gives no rows.
  absl::Status Run();
  const absl::Status& status() const { return status_; }

  int64_t Int(int column) const { return sqlite3_column_int64(statement_, column); }
  // Of text or a blob. Valid until Next() or the end of the query.
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

// A transaction that is rolled back unless it was committed. Not thread-safe.
class SqliteTransaction {
 public:
  // A transaction that reads sees the database as it is at its first read; it waits for nobody.
  static absl::StatusOr<SqliteTransaction> BeginRead(SqliteConnection& connection);
  // One that writes waits for others that write, up to the connection's busy timeout.
  static absl::StatusOr<SqliteTransaction> BeginWrite(SqliteConnection& connection);

  SqliteTransaction(SqliteTransaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  ~SqliteTransaction();

  // After a failure nothing is stored, or, when it is STORAGE_UNAVAILABLE, may be after a crash; the connection can go
  // on.
  absl::Status Commit();

 private:
  explicit SqliteTransaction(SqliteConnection& connection) : connection_(&connection) {}

  SqliteConnection* connection_;  // null: it has ended
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_SQLITE_CONNECTION_H_
