// SPDX-License-Identifier: Apache-2.0
#include "server/storage/sqlite_writer.h"

#include <algorithm>
#include <utility>

#include "absl/synchronization/notification.h"
#include "server/storage/sqlite_registry.h"

namespace qconfig {
namespace {

// What one transaction holds at the most, so that nobody waits long for others' writes.
constexpr size_t kMaxWrites = 256;
constexpr size_t kMaxBytes = size_t{8} << 20;

// Whether WriteCommit() has told a caller why its write cannot be, rather than failed.
bool IsAnswer(const absl::Status& status) {
  return status.ok() || status.code() == absl::StatusCode::kAborted ||
         status.code() == absl::StatusCode::kAlreadyExists;
}

}  // namespace

// Stands on the stack of the caller, who waits until it is done.
struct SqliteWriter::Write {
  const TenantId& tenant;
  const RegistryCommit& commit;
  const std::string record;
  absl::StatusOr<RevisionRange> result;
  absl::Notification done;
};

SqliteWriter::SqliteWriter(SqliteConnection connection, const HistoryLimits& history)
    : connection_(std::move(connection)), history_(history), thread_([this] { Run(); }) {}

SqliteWriter::~SqliteWriter() {
  {
    const absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  thread_.join();
  // What fails to be written into the database stays in the log, and is no less durable there.
  sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

absl::StatusOr<RevisionRange> SqliteWriter::Commit(const TenantId& tenant, const RegistryCommit& commit) {
  Write write{tenant, commit, commit.record.SerializeAsString(), RevisionRange(), {}};
  {
    const absl::MutexLock lock(&mutex_);
    queue_.push_back(&write);
    ++stats_.pending;
  }
  write.done.WaitForNotification();
  return std::move(write.result);
}

SqliteStats SqliteWriter::stats() const {
  const absl::MutexLock lock(&mutex_);
  return stats_;
}

void SqliteWriter::Run() {
  while (true) {
    const std::vector<Write*> writes = WaitForWrites();
    if (writes.empty()) return;
    Store(writes);
    {
      const absl::MutexLock lock(&mutex_);
      stats_.pending -= static_cast<int64_t>(writes.size());
    }
    for (Write* write : writes) write->done.Notify();
  }
}

std::vector<SqliteWriter::Write*> SqliteWriter::WaitForWrites() {
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &SqliteWriter::HasWork));
  std::vector<Write*> writes;
  size_t bytes = 0;
  while (!queue_.empty() && writes.size() < kMaxWrites) {
    bytes += queue_.front()->record.size();
    if (!writes.empty() && bytes > kMaxBytes) break;
    writes.push_back(queue_.front());
    queue_.pop_front();
  }
  return writes;
}

void SqliteWriter::Store(absl::Span<Write* const> writes) {
  absl::Status stored;
  {
    absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginWrite(connection_);
    if (!transaction.ok()) {  // which is no write's fault, and would only take as long for each of them again
      for (Write* write : writes) write->result = transaction.status();
      return;
    }
    stored = StoreIn(*transaction, writes);
  }
  if (stored.ok()) return;
  if (writes.size() == 1) {
    writes.front()->result = stored;
    return;
  }
  for (size_t i = 0; i < writes.size(); ++i) Store(writes.subspan(i, 1));
}

absl::Status SqliteWriter::StoreIn(SqliteTransaction& transaction, absl::Span<Write* const> writes) {
  int64_t stored = 0;
  for (Write* write : writes) {
    write->result = WriteCommit(connection_, write->tenant, write->commit, write->record, history_);
    if (!IsAnswer(write->result.status())) return write->result.status();
    stored += write->result.ok() ? 1 : 0;
  }
  if (stored == 0) return absl::OkStatus();
  if (absl::Status committed = transaction.Commit(); !committed.ok()) return committed;
  const absl::MutexLock lock(&mutex_);
  ++stats_.transactions;
  stats_.writes += stored;
  return absl::OkStatus();
}

}  // namespace qconfig
