// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_MEMORY_BUDGET_H_
#define QCONFIG_SERVER_BASE_MEMORY_BUDGET_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/counted.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// Bounds the memory of the calls that need much of it: each reserves what it may need before it begins. Callers take
// turns, and the calls of a caller get memory in the order in which they came, so that many small reservations do not
// keep a large one waiting. If all is reserved, callers can still reserve up to a sixteenth each, and a quarter
// together, in addition. Thread-safe.
class MemoryBudget {
 public:
  // Up to `max_waiting_calls` wait, each on a thread, and up to 16 times `max_bytes` are waited for: the requests of
  // waiting calls take memory too. Of both, one caller gets up to half.
  explicit MemoryBudget(size_t max_bytes = 256u << 20, size_t max_waiting_calls = 64, Clock clock = Clock());

  // Reserves `bytes`, or all memory if they are more than that, for as long as the result lives, which must not outlive
  // this object. Waits until they are free. OVERLOADED: too many calls wait, or too many of the caller.
  // kDeadlineExceeded: they were not free at the steady time `deadline`.
  absl::StatusOr<Counted> Reserve(absl::string_view caller, size_t bytes, absl::Duration deadline)
      ABSL_LOCKS_EXCLUDED(mutex_);

  size_t max_bytes() const { return max_bytes_; }
  size_t reserved_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t waiting_calls() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The calls that were OVERLOADED.
  int64_t rejections() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Waiting {
    explicit Waiting(size_t needed) : bytes(needed) {}

    const size_t bytes;
    bool granted = false;
    SteadyCondVar changed;
  };

  // A caller that has reserved memory, or waits for it.
  struct Caller {
    size_t reserved = 0;           // bytes
    size_t waited_for = 0;         // bytes
    std::deque<Waiting*> waiting;  // the first one waits longest
  };
  using Callers = std::map<std::string, Caller>;  // iterators stay valid

  bool HasRoom(const Caller& caller, size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayWait(const Caller& caller, size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Take(Caller& caller, size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Waits until memory is granted. False: it was not until `deadline`.
  bool Await(Caller& caller, size_t bytes, absl::Duration deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Release(Callers::iterator caller, size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void ForgetIfIdle(Callers::iterator caller) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Reserves memory for the first calls that wait, as far as it suffices.
  void Grant() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_bytes_;
  const size_t max_waiting_;
  const Clock clock_;
  mutable absl::Mutex mutex_;
  size_t reserved_ ABSL_GUARDED_BY(mutex_) = 0;
  Callers callers_ ABSL_GUARDED_BY(mutex_);
  std::deque<Caller*> turns_ ABSL_GUARDED_BY(mutex_);  // the callers that wait; the next one first
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;         // calls
  size_t waited_for_ ABSL_GUARDED_BY(mutex_) = 0;      // bytes
  int64_t rejections_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_MEMORY_BUDGET_H_
