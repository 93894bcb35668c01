// SPDX-License-Identifier: Apache-2.0
#include "server/base/concurrency_limiter.h"

#include <algorithm>

namespace qconfig {

Counted ConcurrencyLimiter::Acquire(absl::string_view flow, absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  if (free_ > 0) {
    --free_;
    return Counted([this] { Release(); });
  }
  if (timeout <= absl::ZeroDuration()) return {};
  Waiter waiter;
  FindOrAdd(flow).waiters.push_back(&waiter);
  const auto has_slot = [&waiter] { return waiter.has_slot; };
  if (waiter.changed.AwaitWithTimeout(&mutex_, has_slot, timeout)) return Counted([this] { Release(); });
  Remove(waiter);
  return {};
}

size_t ConcurrencyLimiter::waiting() const {
  absl::MutexLock lock(&mutex_);
  size_t sum = 0;
  for (const Flow& flow : waiting_) sum += flow.waiters.size();
  return sum;
}

ConcurrencyLimiter::Flow& ConcurrencyLimiter::FindOrAdd(absl::string_view name) {
  const auto found =
      std::find_if(waiting_.begin(), waiting_.end(), [name](const Flow& flow) { return flow.name == name; });
  return found != waiting_.end() ? *found : waiting_.emplace_back(Flow{std::string(name), {}});
}

void ConcurrencyLimiter::Remove(const Waiter& waiter) {
  for (auto flow = waiting_.begin(); flow != waiting_.end(); ++flow) {
    const auto found = std::find(flow->waiters.begin(), flow->waiters.end(), &waiter);
    if (found == flow->waiters.end()) continue;
    flow->waiters.erase(found);
    if (flow->waiters.empty()) waiting_.erase(flow);
    return;
  }
}

// Hands the slot over. If it only became free, a thread that ends its work and begins the next would take it again
// before the one that waits has woken up.
void ConcurrencyLimiter::Release() {
  absl::MutexLock lock(&mutex_);
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  const auto flow = waiting_.begin();
  Waiter& next = *flow->waiters.front();
  flow->waiters.pop_front();
  if (flow->waiters.empty()) {
    waiting_.erase(flow);
  } else {
    waiting_.splice(waiting_.end(), waiting_, flow);
  }
  next.has_slot = true;
  next.changed.Signal();
}

}  // namespace qconfig
