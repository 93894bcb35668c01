// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_CONCURRENCY_LIMITER_H_
#define QCONFIG_SERVER_BASE_CONCURRENCY_LIMITER_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace qconfig {

// Limits how many threads do expensive work at the same time; other threads wait for a slot. Thread-safe.
class ConcurrencyLimiter {
 public:
  explicit ConcurrencyLimiter(size_t slots) : free_(slots) {}

  // Holds one slot for as long as it lives.
  class Slot {
   public:
    // Waits for a free slot until `deadline`. `limiter` must outlive the slot.
    Slot(ConcurrencyLimiter& limiter, absl::Time deadline) : limiter_(limiter), acquired_(limiter.Acquire(deadline)) {}
    ~Slot() {
      if (acquired_) limiter_.Release();
    }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

    // False if no slot was free before the deadline.
    bool acquired() const { return acquired_; }

   private:
    ConcurrencyLimiter& limiter_;
    const bool acquired_;
  };

 private:
  bool Acquire(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto is_free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return free_ > 0; };
    if (!mutex_.AwaitWithDeadline(absl::Condition(&is_free), deadline)) return false;
    --free_;
    return true;
  }

  void Release() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    ++free_;
  }

  absl::Mutex mutex_;
  size_t free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_CONCURRENCY_LIMITER_H_
