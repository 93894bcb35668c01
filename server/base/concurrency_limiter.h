// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_CONCURRENCY_LIMITER_H_
#define QCONFIG_SERVER_BASE_CONCURRENCY_LIMITER_H_

#include <cstddef>
#include <deque>
#include <list>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/counted.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// Limits how many threads do expensive work at the same time; other threads wait for a slot. Flows take turns, so that
// one with much work delays another by the work of one thread at a time. A flow is named by its caller, for example
// after the connection that a thread works for. The threads of a flow get slots in order of arrival. Thread-safe.
class ConcurrencyLimiter {
 public:
  explicit ConcurrencyLimiter(size_t slots) : free_(slots) {}

  // Takes a slot for as long as the result lives. Waits up to `timeout` for a free one; the result is empty if there
  // was none. The limiter must outlive the result.
  Counted Acquire(absl::string_view flow, absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_);

  // The number of threads that wait.
  size_t waiting() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Waiter {
    bool has_slot = false;
    SteadyCondVar changed;
  };
  struct Flow {
    std::string name;
    std::deque<Waiter*> waiters;  // never empty
  };

  Flow& FindOrAdd(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remove(const Waiter& waiter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Release() ABSL_LOCKS_EXCLUDED(mutex_);

  mutable absl::Mutex mutex_;
  size_t free_ ABSL_GUARDED_BY(mutex_);              // 0 while a thread waits
  std::list<Flow> waiting_ ABSL_GUARDED_BY(mutex_);  // the next one first
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_CONCURRENCY_LIMITER_H_
