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
#include "server/base/counted.h"

namespace qconfig {

// Counts calls while handlers work on them, and then their answers until they are sent, and limits both. Thread-safe.
// Create it with std::make_shared: what Enter() and Send() return keeps it alive.
class InFlightCalls : public std::enable_shared_from_this<InFlightCalls> {
 public:
  // Up to `max_calls` are worked on at once. A few more answers than that may be on their way, and as many or some
  // hundred that needed no work; all of them together may have `max_answer_bytes`, but one may always be larger.
  explicit InFlightCalls(size_t max_calls = 256, size_t max_answer_bytes = 256u << 20)
      : max_calls_(max_calls), max_answer_bytes_(max_answer_bytes) {}

  size_t max_calls() const { return max_calls_; }

  // Counts a call as worked on while the result lives. OVERLOADED if there is no room, SHUTTING_DOWN once Drain() was
  // called.
  absl::StatusOr<Counted> Enter() ABSL_LOCKS_EXCLUDED(mutex_);

  // Counts an answer of `bytes` that needed no work as being sent while the result lives; the result must not outlive
  // this object. Counts nothing once Drain() was called, or if too many answers are being sent. How many calls are
  // worked on does not matter.
  Counted EnterToSend(size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // Counts the answer of a call that was worked on as being sent while the result lives. Never rejects one.
  Counted Send(size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // Rejects new calls from now on, and waits up to `grace` until all answers are sent. Then goes on rejecting until no
  // call has come for a moment, but for half a second or `grace` at most. Returns how many calls were left after
  // `grace`.
  size_t Drain(absl::Duration grace) ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls that are worked on; answers that are being sent and their bytes; and all calls and answers together.
  size_t working() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t sending() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t sending_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t running() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const size_t max_calls_;
  const size_t max_answer_bytes_;
  mutable absl::Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t rejected_while_draining_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t working_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t sending_ ABSL_GUARDED_BY(mutex_) = 0;           // answers of calls that were worked on
  size_t sending_unworked_ ABSL_GUARDED_BY(mutex_) = 0;  // answers that needed no work
  size_t sending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_IN_FLIGHT_CALLS_H_
