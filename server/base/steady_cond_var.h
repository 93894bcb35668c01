// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_STEADY_COND_VAR_H_
#define QCONFIG_SERVER_BASE_STEADY_COND_VAR_H_

#include <algorithm>
#include <condition_variable>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"

namespace qconfig {

// A condition variable whose time limits are in steady time. Those of absl::CondVar and absl::Mutex follow the wall
// clock in Abseil before 2023 (Debian 12): a wait of one second lasts a day if the clock is set back by a day
// meanwhile. Unlike absl::Mutex::Await(), a change of what is waited for must be signalled. Thread-safe.
class SteadyCondVar {
 public:
  // Waits until it is signalled, or until `timeout` has passed, or for no reason.
  void WaitWithTimeout(absl::Mutex* mutex, absl::Duration timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    constexpr absl::Duration kMaxWait = absl::Hours(1);  // any time that chrono can add to now
    Lockable lockable{mutex};
    changed_.wait_for(lockable, absl::ToChronoNanoseconds(std::min(timeout, kMaxWait)));
  }

  // Waits until `condition` returns true, which is called under the lock. False if it does not within `timeout`.
  // The analysis does not see that `condition` requires this mutex.
  template <typename Condition>
  bool AwaitWithTimeout(absl::Mutex* mutex, const Condition& condition, absl::Duration timeout)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const Clock clock;
    const absl::Duration end = clock.Steady() + timeout;
    while (!condition()) {
      const absl::Duration left = end - clock.Steady();
      if (left <= absl::ZeroDuration()) return false;
      WaitWithTimeout(mutex, left);
    }
    return true;
  }

  // Wakes one waiting thread, or all of them.
  void Signal() { changed_.notify_one(); }
  void SignalAll() { changed_.notify_all(); }

 private:
  struct Lockable {
    absl::Mutex* mutex;
    void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex->Lock(); }
    void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex->Unlock(); }
  };

  std::condition_variable_any changed_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_STEADY_COND_VAR_H_
