// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_CONCURRENCY_LIMITER_H_
#define QCONFIG_SERVER_BASE_CONCURRENCY_LIMITER_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/counted.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// Limits how many threads do expensive work at the same time; other threads wait for a slot. Thread-safe.
class ConcurrencyLimiter {
 public:
  explicit ConcurrencyLimiter(size_t slots) : free_(slots) {}

  // Takes a slot for as long as the result lives. Waits up to `timeout` for a free one; the result is empty if there
  // was none. The limiter must outlive the result.
  Counted Acquire(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto is_free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return free_ > 0; };
    if (!released_.AwaitWithTimeout(&mutex_, is_free, timeout)) return {};
    --free_;
    return Counted([this] { Release(); });
  }

 private:
  void Release() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    ++free_;
    released_.Signal();
  }

  absl::Mutex mutex_;
  size_t free_ ABSL_GUARDED_BY(mutex_);
  SteadyCondVar released_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_CONCURRENCY_LIMITER_H_
