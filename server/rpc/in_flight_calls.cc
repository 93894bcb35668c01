// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/in_flight_calls.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/base/clock.h"

namespace qconfig {
namespace {

constexpr size_t kJustSent = 64;  // gRPC reports an answer as sent a little after the client has it

}  // namespace

absl::StatusOr<Counted> InFlightCalls::Enter() {
  absl::MutexLock lock(&mutex_);
  if (draining_) {
    ++rejected_while_draining_;
    return Error(v1::ERROR_REASON_SHUTTING_DOWN).ToStatus("the server is shutting down; retry on another server");
  }
  if (working_ >= max_calls_ || sending_ >= max_calls_ + kJustSent || sending_bytes_ >= max_answer_bytes_) {
    return Error(v1::ERROR_REASON_OVERLOADED)
        .ToStatus(
            absl::StrCat("the server is at its concurrency limit (", max_calls_, " calls in flight); retry later"));
  }
  ++working_;
  return Counted([self = shared_from_this()] {
    absl::MutexLock lock_again(&self->mutex_);
    --self->working_;
  });
}

Counted InFlightCalls::EnterToSend(size_t bytes) {
  constexpr size_t kBatch = 256;  // gRPC may send this many before it reports the first as sent
  absl::MutexLock lock(&mutex_);
  const size_t max = std::max(max_calls_, kBatch) + kJustSent;
  if (draining_ || sending_cached_ >= max || sending_bytes_ >= max_answer_bytes_) return {};
  ++sending_cached_;
  sending_bytes_ += bytes;
  // Captures two words, which Counted stores without an allocation: every cache hit runs this code.
  return Counted([this, bytes] {
    absl::MutexLock lock_again(&mutex_);
    --sending_cached_;
    sending_bytes_ -= bytes;
  });
}

Counted InFlightCalls::Send(size_t bytes) {
  absl::MutexLock lock(&mutex_);
  ++sending_;
  sending_bytes_ += bytes;
  return Counted([self = shared_from_this(), bytes] {
    absl::MutexLock lock_again(&self->mutex_);
    --self->sending_;
    self->sending_bytes_ -= bytes;
  });
}

size_t InFlightCalls::Drain(absl::Duration grace) {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return working_ + sending_ + sending_cached_ == 0; };
  mutex_.AwaitWithTimeout(absl::Condition(&idle), grace);
  const size_t left = working_ + sending_ + sending_cached_;
  // Some clients have not noticed the shutdown yet and still send calls. gRPC would cancel those calls, and clients do
  // not retry cancelled calls.
  constexpr absl::Duration kQuiet = absl::Milliseconds(50);
  const Clock clock;
  const absl::Duration end = clock.Steady() + std::min(grace, 10 * kQuiet);
  int64_t seen = 0;
  const auto call_came = [this, &seen]()
                             ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return rejected_while_draining_ != seen; };
  do {
    seen = rejected_while_draining_;
  } while (mutex_.AwaitWithTimeout(absl::Condition(&call_came), std::min(end - clock.Steady(), kQuiet)) &&
           clock.Steady() < end);
  return left;
}

size_t InFlightCalls::working() const {
  absl::MutexLock lock(&mutex_);
  return working_;
}

size_t InFlightCalls::sending() const {
  absl::MutexLock lock(&mutex_);
  return sending_ + sending_cached_;
}

size_t InFlightCalls::sending_bytes() const {
  absl::MutexLock lock(&mutex_);
  return sending_bytes_;
}

size_t InFlightCalls::running() const {
  absl::MutexLock lock(&mutex_);
  return working_ + sending_ + sending_cached_;
}

}  // namespace qconfig
