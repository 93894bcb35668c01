// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_AUDIT_LOG_H_
#define QCONFIG_SERVER_AUTH_AUDIT_LOG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/auth/audit_file.h"
#include "server/auth/rejection_limit.h"
#include "server/base/clock.h"
#include "server/base/event_log.h"
#include "server/base/limited_log.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// What a line of the audit log says, in the order of its fields. `event` is required. Empty texts and the revision 0
// are left out. Texts are made printable and truncated to 256 characters.
struct AuditEvent {
  // "write_begin", "write_end", "rejected", "rejections_left_out", "policy_loaded", "policy_rejected"
  std::string event;
  std::string principal;   // the name in the policy
  std::string credential;  // the kind and the first 8 hexadecimal digits of its hash, never the credential
  std::string peer;
  std::string method;
  std::string tenant;
  std::string decision;  // "allowed", "denied"; of "write_end": "done", "failed"
  std::string reason;    // of a rejection or failure
  std::string rule;      // of a rejection: which check failed
  std::string policy;    // the first 8 hexadecimal digits of the hash of its files
  int64_t revision = 0;
  std::string request_id;  // of the write
  std::string call_id;
  std::string trace_id;
  int64_t count = 0;  // of rejections that have no line of their own, or of items if a batch has several rejected ones
};

// Writes events to a file, as JSON objects in one line each, which begin with the time. A thread of its own writes the
// lines, so that a hanging disk blocks no call for longer than the call allows. Lines are in the order in which
// Append() and Post() are called. Follows log rotation: if the path no longer names the file, creates it again.
// Thread-safe.
class AuditLog {
 public:
  static constexpr size_t kMaxWaiting = 1024;  // lines that are not written yet
  static constexpr size_t kMaxPosted = 512;    // Post() leaves the rest to Append()

  // Opens or creates (mode 0600) the file.
  // kFailedPrecondition: it cannot be opened, or is not a regular file. The message begins with the path.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(const std::string& path, EventLog events,
                                                        Clock clock = Clock());
  // Writes the lines that wait. If the disk hangs, waits for it.
  ~AuditLog();

  // Appends a line and waits until the file has it, though not until it is on the disk.
  // AUDIT_UNAVAILABLE: the line could not be written, or not within `timeout`. DEADLINE_EXCEEDED: `patience`, how long
  // the client waits, is shorter and over; this is no failure of the log. The caller must not do what the line
  // announces. The file has no part of the line, unless the disk was writing it when the time was over.
  absl::Status Append(const AuditEvent& event, absl::Duration timeout,
                      absl::Duration patience = absl::InfiniteDuration()) ABSL_LOCKS_EXCLUDED(mutex_);

  // Appends a line without waiting. Drops it if too many wait. The next line has a field `left_out`: how many lines of
  // Post() are missing from the file since the last line with this field.
  void Post(const AuditEvent& event) ABSL_LOCKS_EXCLUDED(mutex_);

  // The same, but a host and principal together can cause at most ten lines per second, and all together a hundred.
  // Lines "rejections_left_out" count the others when the second is over. `host` is that of the peer; see HostOf().
  void PostRejection(const AuditEvent& event, const std::string& host) ABSL_LOCKS_EXCLUDED(mutex_);

  // Lines that were written; that could not be written, or not in time; and that Post() dropped.
  int64_t written() const { return written_; }
  int64_t failed() const { return failed_; }
  int64_t dropped() const { return dropped_; }

 private:
  // A line on its way to the file. The members are used under the lock, except by the thread while it writes the line.
  struct Line {
    absl::Time time;
    std::string fields;    // "event":"rejected",...
    int64_t left_out = 0;  // before this line
    bool is_posted = false;
    enum class State { kWaiting, kWriting, kWritten, kNotWritten } state = State::kWaiting;
  };

  AuditLog(AuditFile file, EventLog events, Clock clock);
  // Null: too many lines wait.
  std::shared_ptr<Line> Enqueue(const AuditEvent& event, bool is_posted) ABSL_LOCKS_EXCLUDED(mutex_);
  // Posts the counts of rejections whose second was over at the steady time `now`.
  void PostLeftOut(absl::Duration now) ABSL_LOCKS_EXCLUDED(mutex_);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  void Write(Line& line) ABSL_LOCKS_EXCLUDED(mutex_);

  AuditFile file_;  // used only by the thread
  const Clock clock_;
  LimitedLog log_;
  RejectionLimit rejections_;
  std::atomic<int64_t> written_ = 0;
  std::atomic<int64_t> failed_ = 0;
  std::atomic<int64_t> dropped_ = 0;

  absl::Mutex mutex_;
  SteadyCondVar enqueued_;
  SteadyCondVar done_;  // a line of Append() is written, or has failed
  std::deque<std::shared_ptr<Line>> lines_ ABSL_GUARDED_BY(mutex_);
  size_t posted_ ABSL_GUARDED_BY(mutex_) = 0;     // in lines_
  int64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;  // to be in the next line
  bool is_ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last, because it uses the others
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_AUDIT_LOG_H_
