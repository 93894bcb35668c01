// SPDX-License-Identifier: Apache-2.0
#include "server/registry/write_locks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {
namespace {

constexpr size_t kLeastShare = 4;
constexpr size_t kLeastReserved = 2;

absl::Status Overloaded(const std::string& problem) {
  return Error(v1::ERROR_REASON_OVERLOADED).ToStatus(absl::StrCat(problem, "; retry later"));
}

}  // namespace

// With n tenants, a share is less than an n-th, so that there is a place for the first call of another one. The same is
// true of callers: one with hundreds of tenants has one share.
absl::Status WriteLocks::CheckPlaces(const std::string& tenant, const std::string& caller) const {
  if (calls_ >= max_calls_) {
    return Overloaded(absl::StrCat("the server is at its concurrency limit (", max_calls_, " writes in flight)"));
  }
  const size_t reserved = std::min(max_calls_, std::max(kLeastReserved, max_calls_ / 8));
  if (calls_ < max_calls_ - reserved) return absl::OkStatus();
  const auto is_above_share = [this](size_t own, size_t sharers) {
    return own >= std::max(kLeastShare, max_calls_ / (sharers + 1));
  };
  const auto held = locked_.find(tenant);
  const size_t of_tenant = held == locked_.end() ? 0 : 1 + held->second.size();
  const auto known = callers_.find(caller);
  const size_t of_caller = known == callers_.end() ? 0 : known->second;
  // One caller must not keep the others of its tenant out.
  const bool is_small_caller = of_caller < kLeastShare && calls_ < max_calls_ - reserved / 2;
  if (is_above_share(of_tenant, locked_.size()) && !is_small_caller) {
    return Overloaded(absl::StrCat("the tenant has ", of_tenant, " of the server's ", calls_, " writes in flight"));
  }
  if (is_above_share(of_caller, callers_.size())) {
    return Overloaded(absl::StrCat("the caller has ", of_caller, " of the server's ", calls_, " writes in flight"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Counted> WriteLocks::Acquire(const TenantId& tenant, absl::string_view caller_name,
                                            absl::Duration deadline) {
  const std::string caller(caller_name);
  absl::MutexLock lock(&mutex_);
  if (absl::Status place = CheckPlaces(tenant.name(), caller); !place.ok()) {
    ++rejections_;
    return place;
  }
  ++calls_;
  ++callers_[caller];
  if (!locked_.try_emplace(tenant.name()).second) {
    if (absl::Status acquired = Await(tenant.name(), deadline); !acquired.ok()) {
      LeavePlace(caller);
      return acquired;
    }
  }
  return Counted([this, name = tenant.name(), caller] { Release(name, caller); });
}

absl::Status WriteLocks::Await(const std::string& tenant, absl::Duration deadline) {
  Waiter own;
  locked_[tenant].push_back(&own);
  while (!own.has_lock) {
    const absl::Duration left = deadline - clock_.Steady();
    if (left <= absl::ZeroDuration()) {
      Waiters& waiters = locked_[tenant];
      waiters.erase(std::find(waiters.begin(), waiters.end(), &own));
      return absl::DeadlineExceededError("the deadline expired while waiting for other writes to the same registry");
    }
    own.changed.WaitWithTimeout(&mutex_, left);
  }
  return absl::OkStatus();
}

void WriteLocks::LeavePlace(const std::string& caller) {
  --calls_;
  if (const auto known = callers_.find(caller); --known->second == 0) callers_.erase(known);
}

void WriteLocks::Release(const std::string& tenant, const std::string& caller) {
  absl::MutexLock lock(&mutex_);
  LeavePlace(caller);
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
