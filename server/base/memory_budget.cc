// SPDX-License-Identifier: Apache-2.0
#include "server/base/memory_budget.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {

MemoryBudget::MemoryBudget(size_t max_bytes, size_t max_waiting_calls, Clock clock)
    : max_bytes_(max_bytes), max_waiting_(max_waiting_calls), clock_(std::move(clock)) {}

// The first calls of a caller who has nothing may take a quarter more than there is, if they are small.
bool MemoryBudget::HasRoom(const Caller& caller, size_t bytes) const {
  if (turns_.empty() && bytes <= max_bytes_ - std::min(max_bytes_, reserved_)) return true;
  constexpr size_t kSmallShare = 16;
  const bool is_small = caller.reserved + bytes <= max_bytes_ / kSmallShare && caller.waiting.empty();
  return is_small && reserved_ + bytes <= max_bytes_ + max_bytes_ / 4;
}

bool MemoryBudget::MayWait(const Caller& caller, size_t bytes) const {
  constexpr size_t kMaxWaitedFor = 16;  // times `max_bytes_`
  return waiting_ < max_waiting_ && waited_for_ + bytes <= kMaxWaitedFor * max_bytes_ &&
         caller.waiting.size() < std::max<size_t>(1, max_waiting_ / 2) &&
         caller.waited_for + bytes <= kMaxWaitedFor / 2 * max_bytes_;
}

void MemoryBudget::Take(Caller& caller, size_t bytes) {
  caller.reserved += bytes;
  reserved_ += bytes;
}

absl::StatusOr<Counted> MemoryBudget::Reserve(absl::string_view caller_name, size_t bytes, absl::Duration deadline) {
  bytes = std::min(bytes, max_bytes_);
  absl::MutexLock lock(&mutex_);
  const auto caller = callers_.try_emplace(std::string(caller_name)).first;
  if (HasRoom(caller->second, bytes)) {
    Take(caller->second, bytes);
  } else if (!MayWait(caller->second, bytes)) {
    ++rejections_;
    ForgetIfIdle(caller);
    return Error(v1::ERROR_REASON_OVERLOADED)
        .ToStatus(absl::StrCat("the server is working on as many large requests as it has memory for, and ", waiting_,
                               " others wait; retry later, or send smaller requests"));
  } else if (!Await(caller->second, bytes, deadline)) {
    ForgetIfIdle(caller);
    return absl::DeadlineExceededError(
        "the deadline expired while the call waited for the memory of other large calls");
  }
  return Counted([this, caller, bytes] { Release(caller, bytes); });
}

bool MemoryBudget::Await(Caller& caller, size_t bytes, absl::Duration deadline) {
  Waiting own(bytes);
  if (caller.waiting.empty()) turns_.push_back(&caller);
  caller.waiting.push_back(&own);
  caller.waited_for += bytes;
  waited_for_ += bytes;
  ++waiting_;
  while (!own.granted && clock_.Steady() < deadline) own.changed.WaitWithTimeout(&mutex_, deadline - clock_.Steady());
  --waiting_;
  waited_for_ -= bytes;
  caller.waited_for -= bytes;
  if (own.granted) return true;
  caller.waiting.erase(std::find(caller.waiting.begin(), caller.waiting.end(), &own));
  if (caller.waiting.empty()) turns_.erase(std::find(turns_.begin(), turns_.end(), &caller));
  Grant();  // the next one may need less
  return false;
}

void MemoryBudget::Release(Callers::iterator caller, size_t bytes) {
  absl::MutexLock lock(&mutex_);
  reserved_ -= bytes;
  caller->second.reserved -= bytes;
  ForgetIfIdle(caller);
  Grant();
}

void MemoryBudget::ForgetIfIdle(Callers::iterator caller) {
  const Caller& state = caller->second;
  if (state.reserved == 0 && state.waiting.empty()) callers_.erase(caller);
}

void MemoryBudget::Grant() {
  while (!turns_.empty()) {
    Caller& caller = *turns_.front();
    Waiting& next = *caller.waiting.front();
    if (next.bytes > max_bytes_ - std::min(max_bytes_, reserved_)) return;
    turns_.pop_front();
    caller.waiting.pop_front();
    if (!caller.waiting.empty()) turns_.push_back(&caller);
    Take(caller, next.bytes);
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
  return waiting_;
}

int64_t MemoryBudget::rejections() const {
  absl::MutexLock lock(&mutex_);
  return rejections_;
}

}  // namespace qconfig
