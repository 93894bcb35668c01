// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_ADMIN_SELF_CHECK_H_
#define QCONFIG_SERVER_ADMIN_SELF_CHECK_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// Runs one check of this server four times a second, in its own thread, and judges by the last four results. The
// check may hang: it is then not started again, and counts as failed while it takes longer than a second.
// Thread-safe.
class SelfCheck {
 public:
  struct State {
    bool is_known = false;  // whether a check has returned, or takes too long
    // OK: fewer than half of the last results are failures. Otherwise kUnavailable, with one line about the last
    // failure.
    absl::Status status;
    int64_t failures = 0;  // of the check, since the start
    absl::Duration time;   // that the last check took, or that the running one has taken if that is longer
  };

  // `run` is called on the thread of the check.
  SelfCheck(std::function<absl::Status()> run, Clock clock);
  // Waits for a running check.
  ~SelfCheck();
  SelfCheck(const SelfCheck&) = delete;
  SelfCheck& operator=(const SelfCheck&) = delete;

  // Never waits for the check.
  State state() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Starts no check from now on. Does not wait for a running one.
  void End() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Records the result of the check that `began` at this steady time.
  void Record(absl::Status status, absl::Duration began) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<absl::Status()> run_;
  const Clock clock_;
  mutable absl::Mutex mutex_;
  SteadyCondVar ended_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Duration> running_since_ ABSL_GUARDED_BY(mutex_);  // steady time
  bool has_result_ ABSL_GUARDED_BY(mutex_) = false;
  unsigned failed_ ABSL_GUARDED_BY(mutex_) = 0;  // a bit for each of the last results, the newest is the lowest
  absl::Status last_failure_ ABSL_GUARDED_BY(mutex_);
  int64_t failures_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration last_time_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_ADMIN_SELF_CHECK_H_
