// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_IN_FLIGHT_CALLS_H_
#define QCONFIG_SERVER_RPC_IN_FLIGHT_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace qconfig {

// Counts calls while they are worked on, and then until their answer is sent, and lets only so many in. Thread-safe.
// To be made by std::make_shared: what its methods return keeps it alive.
class InFlightCalls : public std::enable_shared_from_this<InFlightCalls> {
  struct EndSending;

 public:
  // An answer is on its way as long as this lives.
  using Sending = std::unique_ptr<InFlightCalls, EndSending>;

  // Up to `max_calls` are worked on at once. A few more answers than that may be on their way, and as many or some
  // hundred that needed no work, together of `max_answer_bytes` or one at least.
  explicit InFlightCalls(size_t max_calls = 256, size_t max_answer_bytes = 256u << 20)
      : max_calls_(max_calls), max_answer_bytes_(max_answer_bytes) {}

  size_t max_calls() const { return max_calls_; }

  // The call is worked on as long as the result or a copy of it lives. OVERLOADED, or SHUTTING_DOWN once calls are
  // drained.
  absl::StatusOr<std::shared_ptr<void>> Enter() ABSL_LOCKS_EXCLUDED(mutex_);

  // As Send(), for a call that needs no work. Null when calls are drained, or more answers are on their way than fit;
  // how many calls are worked on does not matter.
  Sending EnterToSend(size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // Counts an answer of `bytes` as on its way as long as the result lives. Refuses none.
  [[nodiscard]] Sending Send(size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // Lets no more calls in, and waits until all answers are sent, for `grace` at the most. Then refuses those that still
  // come until there is a moment without any, for half a second or `grace` at the most. Returns how many calls were
  // left.
  size_t Drain(absl::Duration grace) ABSL_LOCKS_EXCLUDED(mutex_);

  // How many calls are worked on, how many answers of how many bytes are on their way, and how many calls and answers
  // that is together.
  size_t working() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t sending() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t sending_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t running() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  size_t& Count(bool worked_on) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return worked_on ? sending_ : sending_unworked_;
  }
  Sending CountSending(bool worked_on, size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_calls_;
  const size_t max_answer_bytes_;
  mutable absl::Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t refused_at_end_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t working_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t sending_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t sending_unworked_ ABSL_GUARDED_BY(mutex_) = 0;  // of calls that needed no work
  size_t sending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

struct InFlightCalls::EndSending {
  void operator()(InFlightCalls* calls) const;

  std::shared_ptr<InFlightCalls> kept_alive;
  bool worked_on;
  size_t bytes;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_IN_FLIGHT_CALLS_H_
