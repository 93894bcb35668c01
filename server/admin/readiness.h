// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_ADMIN_READINESS_H_
#define QCONFIG_SERVER_ADMIN_READINESS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// Whether this server is ready for calls: it is serving, and its store can be read. A separate thread checks the store,
// so that a disk that hangs blocks only that thread. Thread-safe.
class Readiness {
 public:
  // Check() waits up to `max_wait` for the store.
  explicit Readiness(absl::Duration max_wait = absl::Seconds(1), Clock clock = Clock())
      : max_wait_(max_wait), clock_(std::move(clock)) {}
  ~Readiness() { Stop(); }

  // From now on, the server is ready whenever `check_store` returns OK. Must be called once, by the owner.
  void Serve(std::function<absl::Status()> check_store) ABSL_LOCKS_EXCLUDED(mutex_);
  // From now on, the server is not ready.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);

  // Stops checking the store, and waits for a running check. The server is then not ready. Later calls do nothing. Must
  // be called by the owner.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // kUnavailable: the server is not ready; the message is one line with the reason.
  absl::Status Check() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class State { kStarting, kServing, kDraining, kStopped };

  void RunChecks(const std::function<absl::Status()>& check_store) ABSL_LOCKS_EXCLUDED(mutex_);

  const absl::Duration max_wait_;
  const Clock clock_;
  absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kStarting;
  bool check_pending_ ABSL_GUARDED_BY(mutex_) = false;  // requested or running
  absl::Duration check_requested_at_ ABSL_GUARDED_BY(mutex_);
  int64_t finished_checks_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status last_status_ ABSL_GUARDED_BY(mutex_);  // the result of the last check
  SteadyCondVar changed_;                             // `state_` or `finished_checks_`
  std::thread checker_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_ADMIN_READINESS_H_
