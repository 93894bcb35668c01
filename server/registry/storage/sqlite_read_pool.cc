// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_read_pool.h"

namespace qconfig {
namespace {

constexpr int kMaxConnections = 4;

}  // namespace

// A connection that has read nothing changes neither its file nor the log when it is closed.
absl::StatusOr<SqliteConnection> SqliteReadPool::Open() const {
  absl::StatusOr<SqliteConnection> connection =
      SqliteConnection::Open(path_, SqliteConnection::Mode::kRead, busy_timeout_);
  if (!connection.ok()) return connection.status();
  const absl::StatusOr<FileFacts> file = StatFile(path_);
  if (!file.ok()) return file.status();
  if (!file->IsSameFile(file_) || !connection->CheckUnmoved().ok()) return MovedWhileInUse(path_);
  return connection;
}

bool SqliteReadPool::HasRoom() const { return borrowed_ < kMaxConnections; }

absl::StatusOr<SqliteReadPool::Lease> SqliteReadPool::Borrow() {
  {
    const absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &SqliteReadPool::HasRoom));
    ++borrowed_;
    if (!idle_.empty()) {
      Lease lease(*this, std::move(idle_.back()));
      idle_.pop_back();
      return lease;
    }
  }
  absl::StatusOr<SqliteConnection> connection = Open();
  if (connection.ok()) return Lease(*this, *std::move(connection));
  const absl::MutexLock lock(&mutex_);
  --borrowed_;
  return connection.status();
}

void SqliteReadPool::Return(SqliteConnection connection) {
  const absl::MutexLock lock(&mutex_);
  --borrowed_;
  idle_.push_back(std::move(connection));
}

}  // namespace qconfig
