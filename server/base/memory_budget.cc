// SPDX-License-Identifier: Apache-2.0
#include "server/base/memory_budget.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {

MemoryBudget::MemoryBudget(size_t max_bytes, size_t max_waiting_calls, Clock clock)
    : max_bytes_(max_bytes), max_waiting_(max_waiting_calls), clock_(std::move(clock)) {}

absl::StatusOr<Counted> MemoryBudget::Reserve(size_t bytes, absl::Duration deadline) {
  constexpr size_t kMaxWaitedFor = 16;  // times `max_bytes_`
  bytes = std::min(bytes, max_bytes_);
  absl::MutexLock lock(&mutex_);
  if (waiting_.empty() && bytes <= max_bytes_ - reserved_) {
    reserved_ += bytes;
    return Counted([this, bytes] { Release(bytes); });
  }
  if (waiting_.size() >= max_waiting_ || waited_for_ + bytes > kMaxWaitedFor * max_bytes_) {
    ++rejections_;
    return Error(v1::ERROR_REASON_OVERLOADED)
        .ToStatus(absl::StrCat("the server is working on as many large requests as it has memory for, and ",
                               waiting_.size(), " others wait; retry later, or send smaller requests"));
  }
  Waiting own(bytes);
  waiting_.push_back(&own);
  waited_for_ += bytes;
  while (!own.granted && clock_.Steady() < deadline) own.changed.WaitWithTimeout(&mutex_, deadline - clock_.Steady());
  waited_for_ -= bytes;
  if (own.granted) return Counted([this, bytes] { Release(bytes); });
  waiting_.erase(std::find(waiting_.begin(), waiting_.end(), &own));
  Grant();  // the next one may need less
  return absl::DeadlineExceededError("the deadline expired while the call waited for the memory of other large calls");
}

void MemoryBudget::Release(size_t bytes) {
  absl::MutexLock lock(&mutex_);
  reserved_ -= bytes;
  Grant();
}

void MemoryBudget::Grant() {
  while (!waiting_.empty() && waiting_.front()->bytes <= max_bytes_ - reserved_) {
    Waiting& next = *waiting_.front();
    waiting_.pop_front();
    reserved_ += next.bytes;
    next.granted = true;
    next.changed.Signal();
  }
}

size_t MemoryBudget::reserved_bytes() const {
  absl::MutexLock lock(&mutex_);
  return reserved_;
}

size_t MemoryBudget::waiting_calls() const {
  absl::MutexLock lock(&mutex_);
  return waiting_.size();
}

int64_t MemoryBudget::rejections() const {
  absl::MutexLock lock(&mutex_);
  return rejections_;
}

}  // namespace qconfig
