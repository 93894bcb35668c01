// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_FAIR_TURNS_H_
#define QCONFIG_SERVER_BASE_FAIR_TURNS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/fair_queue.h"
#include "server/base/processors.h"

namespace qconfig {

// The processor time that the current thread has used.
absl::Duration ThreadCpuTime();

// Lets as many threads compute as there are processors, and one more that has a small computation; the others wait for
// a turn, in the order of a FairQueue. Thread-safe.
class FairTurns {
 public:
  // A thread computes as long as it has a turn, and must not wait for anything else meanwhile. Movable; used by the
  // thread that it belongs to.
  class Turn {
   public:
    Turn() = default;  // none
    ~Turn() { End(); }
    Turn(Turn&& other) noexcept = default;
    Turn& operator=(Turn&& other) noexcept;

    explicit operator bool() const { return waiter_ != nullptr; }

    // To be called every few milliseconds of a computation. Makes it a large one; lets others compute if it has used
    // its time, and waits for another turn. kDeadlineExceeded: there was none at the steady time `deadline`. The turn
    // has ended then, and further calls return this error, too.
    absl::Status Continue(absl::Duration deadline);

    // The same between two computations of one call: keeps the turn if there is time left, and is not large any more.
    absl::Status ContinueWithNext(absl::Duration deadline);

    // Whether Continue() was called.
    bool is_large() const;

    // Returns the processor time that was used since the turn began; 0 if there is none.
    absl::Duration End();

   private:
    friend class FairTurns;
    struct Waiter;
    struct DeleteWaiter {
      void operator()(Waiter* waiter) const;
    };

    FairTurns* turns_ = nullptr;
    std::unique_ptr<Waiter, DeleteWaiter> waiter_;
  };

  // Turns for `processors` threads at once. `cpu_time` is that of the current thread.
  explicit FairTurns(size_t processors = std::max<size_t>(2, Processors()), Clock clock = Clock(),
                     std::function<absl::Duration()> cpu_time = ThreadCpuTime);

  // Waits for a turn. OVERLOADED: too many calls of the tenant wait. kDeadlineExceeded: there was no turn at the steady
  // time `deadline`. The turn must not outlive this object.
  absl::StatusOr<Turn> Begin(absl::string_view tenant, absl::string_view caller, absl::Duration deadline,
                             const EarlierTurns& earlier = EarlierTurns()) ABSL_LOCKS_EXCLUDED(mutex_);

  // Charges a tenant for the time of turns that ended before the tenant was known.
  void Charge(absl::string_view tenant, absl::Duration used) ABSL_LOCKS_EXCLUDED(mutex_);

  size_t max_turns() const { return limits_.turns; }
  // The threads that compute, and those that wait.
  size_t running() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t waiting() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The calls that were OVERLOADED.
  int64_t rejections() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Waiter = Turn::Waiter;

  // Lets the next threads begin.
  void StartNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns when `waiter` has a turn. kDeadlineExceeded: it is not in the queue any more.
  absl::Status Await(Waiter& waiter, absl::Duration deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the turn of `waiter`, and awaits another one.
  absl::Status AwaitAgain(Waiter& waiter, absl::Duration used, bool becomes_large, absl::Duration deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const FairQueue::Limits limits_;
  const Clock clock_;
  const std::function<absl::Duration()> cpu_time_;
  mutable absl::Mutex mutex_;
  FairQueue queue_ ABSL_GUARDED_BY(mutex_);
  int64_t rejections_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_FAIR_TURNS_H_
