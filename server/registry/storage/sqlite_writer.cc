// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_writer.h"

#include <algorithm>
#include <utility>

#include "absl/synchronization/notification.h"
#include "core/error.h"
#include "server/registry/storage/durable_files.h"
#include "server/registry/storage/sqlite_schema.h"

namespace qconfig {
namespace {

// The limits of one transaction, so that no write waits long for others.
constexpr size_t kMaxWrites = 256;
constexpr size_t kMaxBytes = size_t{8} << 20;

// The log is written into the database when it has this many pages, which is SQLite's default.
constexpr int kFramesToCopy = 1000;
// The log is truncated when it has this many pages (16 MiB), which waits for its readers. Without that, overlapping
// readers would let it grow without limit. If they take too long, the writer tries again after a pause, or after the
// log has grown by some pages.
constexpr int kMaxFrames = 4096;
constexpr absl::Duration kMaxWaitForReaders = absl::Milliseconds(100);
constexpr absl::Duration kPauseAfterFailedCut = absl::Seconds(1);
constexpr int kGrowthAfterFailedCut = 1024;

// How often a check syncs the disk while there are no writes.
constexpr absl::Duration kPauseBetweenSyncs = absl::Seconds(10);

// Whether the status is a result for the caller of Commit(), rather than a failure of the transaction.
bool IsAnswer(const absl::Status& status) {
  return status.ok() || status.code() == absl::StatusCode::kAborted ||
         status.code() == absl::StatusCode::kAlreadyExists ||
         ItemErrorOf(status).reason() == v1::ERROR_REASON_QUOTA_EXCEEDED;
}

}  // namespace

// Lives on the stack of the caller, which waits until it is done.
struct SqliteWriter::Write {
  const TenantId& tenant;
  const RegistryCommit& commit;
  const std::string record;
  absl::StatusOr<RevisionRange> result;
  absl::Notification done;
};

struct SqliteWriter::Check {
  absl::Status result;
  absl::Notification done;
};

SqliteWriter::SqliteWriter(SqliteConnection connection, SqliteLog log, FileLock& lock, CommitsFile& commits,
                           TenantList& tenants, const HistoryLimits& history, int64_t tenant_count, Clock clock)
    : connection_(std::move(connection)),
      log_(std::move(log)),
      lock_(lock),
      commits_(commits),
      tenants_(tenants),
      history_(history),
      clock_(std::move(clock)),
      stats_{0, 0, 0, tenant_count},
      thread_([this] { Run(); }) {}

SqliteWriter::~SqliteWriter() {
  {
    const absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  thread_.join();
  // What cannot be written into the database stays in the log, where it is just as durable.
  if (!lasting_failure_.ok()) return;
  if (connection_.CheckUnmoved().ok()) {
    connection_.TruncateLog(connection_.busy_timeout()).IgnoreError();
  } else {
    AbandonMovedDatabase();
  }
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

absl::Status SqliteWriter::CheckWritable() {
  Check check;
  {
    const absl::MutexLock lock(&mutex_);
    checks_.push_back(&check);
  }
  check.done.WaitForNotification();
  return check.result;
}

SqliteStats SqliteWriter::stats() const {
  const absl::MutexLock lock(&mutex_);
  return stats_;
}

void SqliteWriter::Run() {
  sqlite3_wal_hook(connection_.handle(), &SqliteWriter::OnCommitHook, this);  // replaces SQLite's own hook
  while (true) {
    const Work work = WaitForWork();
    if (work.writes.empty() && work.checks.empty()) return;
    if (!work.writes.empty()) Store(work.writes);
    {
      const absl::MutexLock lock(&mutex_);
      stats_.pending -= static_cast<int64_t>(work.writes.size());
    }
    for (Write* write : work.writes) write->done.Notify();
    for (Check* check : work.checks) {
      check->result = TryWriting();
      check->done.Notify();
    }
    TruncateLongLog();
  }
}

int SqliteWriter::OnCommitHook(void* writer, sqlite3*, const char*, int frames) {
  static_cast<SqliteWriter*>(writer)->log_frames_ = frames;
  return SQLITE_OK;
}

void SqliteWriter::TruncateLongLog() {
  if (!lasting_failure_.ok()) return;
  if (log_frames_ >= kFramesToCopy) connection_.CheckpointLog();
  // A long log file stays long until it is truncated.
  log_is_long_ = log_is_long_ || log_frames_ >= kMaxFrames;
  if (!log_is_long_ || (clock_.Steady() < next_cut_ && log_frames_ < next_cut_frames_)) return;
  if (connection_.TruncateLog(kMaxWaitForReaders).ok()) {
    log_frames_ = 0;
    log_is_long_ = false;
    next_cut_ = -absl::InfiniteDuration();
  } else {
    next_cut_ = clock_.Steady() + kPauseAfterFailedCut;
    next_cut_frames_ = log_frames_ + kGrowthAfterFailedCut;
  }
}

// If another file has replaced the database, SQLite would apply the log to that file at the next start, because it
// finds logs by name. So the log is written into its own database, which is still open here. If there is no other file,
// the log is kept, because the database can be moved back.
void SqliteWriter::AbandonMovedDatabase() {
  log_frames_ = 0;
  log_is_long_ = false;
  connection_.KeepLogOnClose(true);
  const absl::StatusOr<int64_t> size = FileSize(connection_.path());
  if (size.ok() && *size >= 0) connection_.TruncateLog(kMaxWaitForReaders).IgnoreError();
}

// A removed log is whole, because it is still open here: writing it into the database saves what was acknowledged. A
// cut log must not get there.
void SqliteWriter::AbandonLog(const absl::Status& failure) {
  lasting_failure_ = failure;
  connection_.KeepLogOnClose(true);
  if (!log_.Look().ok()) connection_.TruncateLog(connection_.busy_timeout()).IgnoreError();
}

// Another server uses the registry, and this one does not know what it writes.
void SqliteWriter::AbandonLock(const absl::Status& failure) {
  lasting_failure_ = StorageUnavailable(
      failure.message(), "another server has used the registry; make sure that only one runs, and restart it");
  connection_.KeepLogOnClose(true);
}

SqliteWriter::Work SqliteWriter::WaitForWork() {
  const absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &SqliteWriter::HasWork));
  Work work;
  work.checks.swap(checks_);
  size_t bytes = 0;
  while (!queue_.empty() && work.writes.size() < kMaxWrites) {
    bytes += queue_.front()->record.size();
    if (!work.writes.empty() && bytes > kMaxBytes) break;
    work.writes.push_back(queue_.front());
    queue_.pop_front();
  }
  return work;
}

absl::StatusOr<SqliteLog::State> SqliteWriter::CheckFiles() {
  if (absl::Status unmoved = connection_.CheckUnmoved(); !unmoved.ok()) {
    AbandonMovedDatabase();
    return unmoved;
  }
  absl::StatusOr<SqliteLog::State> log = log_.Look();
  if (lasting_failure_.ok() && !log.ok()) AbandonLog(log.status());
  if (lasting_failure_.ok()) {
    const absl::Status kept = lock_.Keep();
    if (absl::IsFailedPrecondition(kept)) {
      AbandonLock(kept);
    } else if (!kept.ok()) {
      return kept;
    }
  }
  if (!lasting_failure_.ok()) return lasting_failure_;
  return log;
}

// When the disk is nearly full, a larger write can fail although the small one here succeeds. So failures of writes
// count as well.
absl::Status SqliteWriter::TryWriting() {
  const absl::StatusOr<SqliteLog::State> log = CheckFiles();
  if (!log.ok()) return log.status();
  const absl::Status unreported = std::exchange(unreported_failure_, absl::OkStatus());
  if (!unreported.ok()) return unreported;
  const int log_frames = log_frames_;
  absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginWrite(connection_);
  if (!transaction.ok()) return transaction.status();
  if (!has_failed_ && clock_.Steady() - last_transaction_ < kPauseBetweenSyncs) return absl::OkStatus();
  last_transaction_ = clock_.Steady();
  has_failed_ = true;
  if (absl::Status marked = MarkAsRegistry(connection_); !marked.ok()) return marked;
  if (absl::Status committed = transaction->Commit(); !committed.ok()) return committed;
  if (absl::Status kept = log_.CheckAfterCommit(*log, log_frames, log_frames_); !kept.ok()) {
    AbandonLog(kept);
    return kept;
  }
  has_failed_ = false;
  return absl::OkStatus();
}

void SqliteWriter::Store(absl::Span<Write* const> writes) {
  const absl::StatusOr<SqliteLog::State> log = CheckFiles();
  if (!log.ok()) {
    for (Write* write : writes) write->result = log.status();
    return;
  }
  absl::Status stored;
  {
    absl::StatusOr<SqliteTransaction> transaction = SqliteTransaction::BeginWrite(connection_);
    if (!transaction.ok()) {  // no single write caused this, and retrying each one would take as long again
      for (Write* write : writes) write->result = transaction.status();
      return;
    }
    stored = StoreIn(*transaction, *log, writes);
  }
  if (stored.ok()) return;
  sizes_.clear();
  if (writes.size() == 1) {
    writes.front()->result = stored;
    if (ItemErrorOf(stored).reason() == v1::ERROR_REASON_STORAGE_FULL) unreported_failure_ = stored;
    has_failed_ = true;
    return;
  }
  for (size_t i = 0; i < writes.size(); ++i) Store(writes.subspan(i, 1));
}

absl::Status SqliteWriter::StoreIn(SqliteTransaction& transaction, const SqliteLog::State& log,
                                   absl::Span<Write* const> writes) {
  const int log_frames = log_frames_;
  int64_t stored = 0;
  int64_t new_tenants = 0;
  for (Write* write : writes) {
    write->result = WriteCommit(connection_, tenants_, write->tenant, write->commit, write->record, history_, sizes_);
    if (!IsAnswer(write->result.status())) return write->result.status();
    stored += write->result.ok() ? 1 : 0;
    new_tenants += write->result.ok() && IsFirstWrite(*write->result) ? 1 : 0;
  }
  if (stored == 0) return absl::OkStatus();
  if (absl::Status committed = transaction.Commit(); !committed.ok()) return committed;
  if (absl::Status kept = log_.CheckAfterCommit(log, log_frames, log_frames_); !kept.ok()) {
    AbandonLog(kept);
    return kept;
  }
  unreported_failure_ = absl::OkStatus();
  has_failed_ = false;
  last_transaction_ = clock_.Steady();
  commits_.AddCommits(stored);
  for (const Write* write : writes) {
    if (write->result.ok()) tenants_.Add(write->tenant.name());
  }
  const absl::MutexLock lock(&mutex_);
  ++stats_.transactions;
  stats_.writes += stored;
  stats_.tenants += new_tenants;
  return absl::OkStatus();
}

}  // namespace qconfig
