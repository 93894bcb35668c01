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

// Counts the calls that handlers work on and the answers that are being sent, and limits both. Thread-safe.
// Create it with std::make_shared: the results of Enter() and Send() keep it alive.
class InFlightCalls : public std::enable_shared_from_this<InFlightCalls> {
 public:
  // Handlers work on up to `max_calls` calls at once. Slightly more answers than that can be in transmission, plus as
  // many cached answers, or a few hundred if that is more. Once the answers in transmission have `max_answer_bytes`, no
  // call and no cached answer is admitted, so a single answer can exceed this limit.
  explicit InFlightCalls(size_t max_calls = 256, size_t max_answer_bytes = 256u << 20)
      : max_calls_(max_calls), max_answer_bytes_(max_answer_bytes) {}

  size_t max_calls() const { return max_calls_; }

  // Counts a call that a handler works on, as long as the result lives. OVERLOADED: a limit is reached. SHUTTING_DOWN:
  // Drain() was called.
  absl::StatusOr<Counted> Enter() ABSL_LOCKS_EXCLUDED(mutex_);

  // Counts a cached answer of `bytes` as being sent, as long as the result lives; the result must not outlive this
  // object. Counts nothing after Drain(), or if too many cached answers or bytes are being sent. The number of calls
  // that handlers work on does not matter.
  Counted EnterToSend(size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // Counts the answer of a handler as being sent, as long as the result lives. Never rejects an answer.
  Counted Send(size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // Rejects new calls from now on, and waits up to `grace` until all answers are sent. Then waits until no call has
  // arrived for a moment, at most half a second or `grace`. Returns the number of calls that were left after `grace`.
  size_t Drain(absl::Duration grace) ABSL_LOCKS_EXCLUDED(mutex_);

  // The calls that handlers work on; the answers that are being sent, and their bytes; all calls and answers together.
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
  size_t sending_ ABSL_GUARDED_BY(mutex_) = 0;         // answers of handlers
  size_t sending_cached_ ABSL_GUARDED_BY(mutex_) = 0;  // cached answers
  size_t sending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_IN_FLIGHT_CALLS_H_
