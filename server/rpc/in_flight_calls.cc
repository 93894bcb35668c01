// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/in_flight_calls.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "core/error.h"

namespace qconfig {
namespace {

constexpr size_t kJustSent = 64;  // gRPC tells a little later than the caller knows

}  // namespace

absl::StatusOr<std::shared_ptr<void>> InFlightCalls::Enter() {
  absl::MutexLock lock(&mutex_);
  if (draining_) {
    ++refused_at_end_;
    return Error(v1::ERROR_REASON_SHUTTING_DOWN)
        .ToStatus("the server is ending; ask another one, or this one again soon");
  }
  if (working_ >= max_calls_ || sending_ >= max_calls_ + kJustSent || sending_bytes_ >= max_answer_bytes_) {
    return Error(v1::ERROR_REASON_OVERLOADED)
        .ToStatus("the server has as many calls as it takes at once; try again soon");
  }
  ++working_;
  return std::shared_ptr<void>(this, [self = shared_from_this()](void*) {
    absl::MutexLock lock_again(&self->mutex_);
    --self->working_;
  });
}

InFlightCalls::Sending InFlightCalls::EnterToSend(size_t bytes) {
  constexpr size_t kBatch = 256;  // as many may be answered before gRPC tells of the first that it is sent
  absl::MutexLock lock(&mutex_);
  const size_t max = std::max(max_calls_, kBatch) + kJustSent;
  if (draining_ || sending_unworked_ >= max || sending_bytes_ >= max_answer_bytes_) return nullptr;
  return CountSending(/*worked_on=*/false, bytes);
}

InFlightCalls::Sending InFlightCalls::Send(size_t bytes) {
  absl::MutexLock lock(&mutex_);
  return CountSending(/*worked_on=*/true, bytes);
}

InFlightCalls::Sending InFlightCalls::CountSending(bool worked_on, size_t bytes) {
  ++Count(worked_on);
  sending_bytes_ += bytes;
  return {this, {shared_from_this(), worked_on, bytes}};
}

void InFlightCalls::EndSending::operator()(InFlightCalls* calls) const {
  absl::MutexLock lock(&calls->mutex_);
  --calls->Count(worked_on);
  calls->sending_bytes_ -= bytes;
}

size_t InFlightCalls::Drain(absl::Duration grace) {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  const auto idle = [this]()
                        ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return working_ + sending_ + sending_unworked_ == 0; };
  mutex_.AwaitWithTimeout(absl::Condition(&idle), grace);
  const size_t left = working_ + sending_ + sending_unworked_;
  // Clients that do not know yet still send calls. gRPC would cancel them, and no client tries that again.
  constexpr absl::Duration kQuiet = absl::Milliseconds(50);
  const absl::Time end = absl::Now() + std::min(grace, 10 * kQuiet);
  int64_t seen = 0;
  const auto was_asked = [this, &seen]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return refused_at_end_ != seen; };
  do {
    seen = refused_at_end_;
  } while (mutex_.AwaitWithDeadline(absl::Condition(&was_asked), std::min(end, absl::Now() + kQuiet)) &&
           absl::Now() < end);
  return left;
}

size_t InFlightCalls::working() const {
  absl::MutexLock lock(&mutex_);
  return working_;
}

size_t InFlightCalls::sending() const {
  absl::MutexLock lock(&mutex_);
  return sending_ + sending_unworked_;
}

size_t InFlightCalls::sending_bytes() const {
  absl::MutexLock lock(&mutex_);
  return sending_bytes_;
}

size_t InFlightCalls::running() const {
  absl::MutexLock lock(&mutex_);
  return working_ + sending_ + sending_unworked_;
}

}  // namespace qconfig
