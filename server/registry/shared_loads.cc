// SPDX-License-Identifier: Apache-2.0
#include "server/registry/shared_loads.h"

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {

absl::StatusOr<SharedLoads::View> SharedLoads::Get(const TenantId& tenant, int64_t revision, absl::Duration deadline,
                                                   absl::FunctionRef<absl::StatusOr<View>()> load) {
  const Key key(tenant.name(), revision);
  const auto own = std::make_shared<Load>();
  {
    absl::MutexLock lock(&mutex_);
    while (true) {
      const std::shared_ptr<Load> other = loads_.try_emplace(key, own).first->second;
      if (other == own) break;
      const absl::Status waited = Wait(other->changed, deadline, [&other] { return other->ended; });
      if (!waited.ok()) return waited;
      // The other call's deadline may have been earlier.
      if (other->result.status().code() != absl::StatusCode::kDeadlineExceeded) return other->result;
    }
  }
  absl::StatusOr<View> result = load();
  absl::MutexLock lock(&mutex_);
  own->result = result;
  own->ended = true;
  own->changed.SignalAll();
  const auto it = loads_.find(key);
  if (it != loads_.end() && it->second == own) loads_.erase(it);
  return result;
}

absl::StatusOr<Counted> SharedLoads::EnterRead(const TenantId& tenant, absl::Duration deadline) {
  constexpr size_t kMaxReads = 2;
  absl::MutexLock lock(&mutex_);
  const auto has_room = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return reading_.size() < kMaxReads && !reading_.contains(tenant.name());
  };
  if (absl::Status waited = Wait(read_, deadline, has_room); !waited.ok()) return waited;
  reading_.insert(tenant.name());
  return Counted([this, name = tenant.name()] { LeaveRead(name); });
}

void SharedLoads::LeaveRead(const std::string& tenant) {
  absl::MutexLock lock(&mutex_);
  reading_.erase(tenant);
  read_.SignalAll();
}

absl::Status SharedLoads::Wait(SteadyCondVar& changed, absl::Duration deadline, absl::FunctionRef<bool()> is_done) {
  if (is_done()) return absl::OkStatus();
  if (waiting_ >= max_waiting_) {
    return Error(v1::ERROR_REASON_OVERLOADED)
        .ToStatus(absl::StrCat("the server is at its concurrency limit (", max_waiting_,
                               " calls waiting for registries to load); retry later"));
  }
  ++waiting_;
  while (!is_done() && clock_.Steady() < deadline) changed.WaitWithTimeout(&mutex_, deadline - clock_.Steady());
  --waiting_;
  if (is_done()) return absl::OkStatus();
  return absl::DeadlineExceededError("the deadline expired while the registry was loading");
}

void SharedLoads::Outdate(const TenantId& tenant) {
  absl::MutexLock lock(&mutex_);
  loads_.erase(Key(tenant.name(), 0));
}

}  // namespace qconfig
