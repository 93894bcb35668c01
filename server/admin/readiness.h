// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_ADMIN_READINESS_H_
#define QCONFIG_SERVER_ADMIN_READINESS_H_

#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace qconfig {

// Whether calls are to be sent to this server: it serves, and its store can be read. The store is asked on a thread of
// its own, so that a disk that hangs holds up no more than that. Thread-safe.
class Readiness {
 public:
  // An answer waits for the store for `max_wait` at the most.
  explicit Readiness(absl::Duration max_wait = absl::Seconds(1)) : max_wait_(max_wait) {}
  ~Readiness() { Stop(); }

  // From now on it is ready whenever `check_store` is OK. To be called once, by the owner only.
  void Serve(std::function<absl::Status()> check_store) ABSL_LOCKS_EXCLUDED(mutex_);
  // From now on it is not ready.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);

  // Asks the store no more, and waits for a check that runs. It is not ready then. Does nothing the second time. To be
  // called by the owner only.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // OK, or kUnavailable with one line that says why not.
  absl::Status Check() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class State { kStarting, kServing, kDraining, kStopped };

  void CheckStoreWhenAsked(const std::function<absl::Status()>& check_store) ABSL_LOCKS_EXCLUDED(mutex_);

  const absl::Duration max_wait_;
  absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kStarting;
  bool asked_ ABSL_GUARDED_BY(mutex_) = false;  // for a check, or one runs
  absl::Time asked_at_ ABSL_GUARDED_BY(mutex_);
  int64_t checks_ ABSL_GUARDED_BY(mutex_) = 0;  // that ended
  absl::Status last_ ABSL_GUARDED_BY(mutex_);   // what the last of them said
  std::thread checker_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_ADMIN_READINESS_H_
