// SPDX-License-Identifier: Apache-2.0
#include "server/registry/write_locks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {
namespace {

// The calls of one tenant that wait.
constexpr size_t kMaxWaiting = 8;

absl::Status Overloaded(const std::string& problem) {
  return Error(v1::ERROR_REASON_OVERLOADED).ToStatus(absl::StrCat(problem, "; retry later"));
}

}  // namespace

absl::StatusOr<Counted> WriteLocks::Acquire(const TenantId& tenant, absl::Duration deadline) {
  absl::MutexLock lock(&mutex_);
  if (calls_ >= max_calls_) {
    ++rejections_;
    return Overloaded(absl::StrCat("the server is at its concurrency limit (", max_calls_, " writes in flight)"));
  }
  const auto [held, is_free] = locked_.try_emplace(tenant.name());
  if (!is_free && held->second.size() >= kMaxWaiting) {
    ++rejections_;
    return Overloaded(absl::StrCat("the tenant has ", kMaxWaiting, " writes that wait for another one"));
  }
  ++calls_;
  if (!is_free) {
    if (absl::Status acquired = Await(tenant, deadline); !acquired.ok()) return acquired;
  }
  return Counted([this, name = tenant.name()] { Release(name); });
}

absl::Status WriteLocks::Await(const TenantId& tenant, absl::Duration deadline) {
  Waiter own;
  locked_[tenant.name()].push_back(&own);
  while (!own.has_lock) {
    const absl::Duration left = deadline - clock_.Steady();
    if (left <= absl::ZeroDuration()) {
      Waiters& waiters = locked_[tenant.name()];
      waiters.erase(std::find(waiters.begin(), waiters.end(), &own));
      --calls_;
      return absl::DeadlineExceededError("the deadline expired while waiting for other writes to the same registry");
    }
    own.changed.WaitWithTimeout(&mutex_, left);
  }
  return absl::OkStatus();
}

void WriteLocks::Release(const std::string& tenant) {
  absl::MutexLock lock(&mutex_);
  --calls_;
  const auto held = locked_.find(tenant);
  if (held->second.empty()) {
    locked_.erase(held);
    return;
  }
  Waiter& next = *held->second.front();
  held->second.pop_front();
  next.has_lock = true;
  next.changed.Signal();
}

size_t WriteLocks::waiting() const {
  absl::MutexLock lock(&mutex_);
  return calls_ - locked_.size();
}

int64_t WriteLocks::rejections() const {
  absl::MutexLock lock(&mutex_);
  return rejections_;
}

}  // namespace qconfig
