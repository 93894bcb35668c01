// SPDX-License-Identifier: Apache-2.0
#include "server/registry/write_locks.h"

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {

absl::StatusOr<Counted> WriteLocks::Acquire(const TenantId& tenant, absl::Duration deadline) {
  if (!CountCall()) {
    return Error(v1::ERROR_REASON_OVERLOADED)
        .ToStatus(
            absl::StrCat("the server is at its concurrency limit (", max_calls_, " writes in flight); retry later"));
  }
  absl::MutexLock lock(&mutex_);
  while (!locked_.insert(tenant.name()).second) {
    const absl::Duration left = deadline - clock_.Steady();
    if (left <= absl::ZeroDuration()) {
      --calls_;
      return absl::DeadlineExceededError("the deadline expired while waiting for other writes to the same registry");
    }
    released_.WaitWithTimeout(&mutex_, left);
  }
  return Counted([this, name = tenant.name()] { Release(name); });
}

bool WriteLocks::CountCall() {
  absl::MutexLock lock(&mutex_);
  if (calls_ >= max_calls_) return false;
  ++calls_;
  return true;
}

void WriteLocks::Release(const std::string& tenant) {
  absl::MutexLock lock(&mutex_);
  --calls_;
  locked_.erase(tenant);
  released_.SignalAll();
}

}  // namespace qconfig
