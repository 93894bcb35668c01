// SPDX-License-Identifier: Apache-2.0
#include "server/registry/revision_waits.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace qconfig {
namespace {

absl::Status ShuttingDown() {
  return Error(v1::ERROR_REASON_SHUTTING_DOWN).ToStatus("the server is shutting down; retry on another server");
}

}  // namespace

absl::StatusOr<bool> RevisionWaits::WaitUntil(const TenantId& tenant, absl::Duration deadline,
                                              const std::function<bool()>& is_cancelled,
                                              absl::FunctionRef<absl::StatusOr<bool>()> reached) {
  constexpr absl::Duration kCheckInterval = absl::Seconds(1);  // for `is_cancelled`
  const absl::Duration end = clock_.Steady() + MaxWait(deadline);
  // Most calls need not wait, and are not limited.
  absl::StatusOr<bool> result = reached();
  if (!result.ok() || *result) return result;
  if (clock_.Steady() >= end || is_cancelled()) return false;
  const absl::StatusOr<Counted> entered = Enter(tenant);
  if (!entered.ok()) return entered.status();
  while (true) {
    const int64_t seen = Notified(tenant);
    result = reached();
    if (!result.ok() || *result) return result;
    const absl::Duration left = end - clock_.Steady();
    if (left <= absl::ZeroDuration() || is_cancelled()) return false;
    const absl::Status waited = WaitForNotify(tenant, seen, std::min(left, kCheckInterval));
    if (!waited.ok()) return waited;
  }
}

absl::Duration RevisionWaits::MaxWait(absl::Duration deadline) const {
  constexpr absl::Duration kForTheResponse = absl::Milliseconds(100);
  if (deadline == absl::InfiniteDuration()) return max_wait_;
  const absl::Duration left = deadline - clock_.Steady();
  return left - std::min(kForTheResponse, left / 5);
}

absl::StatusOr<Counted> RevisionWaits::Enter(const TenantId& tenant) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return ShuttingDown();
  if (calls_ >= max_calls_) {
    return Error(v1::ERROR_REASON_OVERLOADED)
        .ToStatus(absl::StrCat("the server is at its concurrency limit (", max_calls_,
                               " calls waiting for a revision); retry later"));
  }
  std::unique_ptr<Waiting>& waiting = waiting_[tenant.name()];
  if (waiting == nullptr) waiting = std::make_unique<Waiting>();
  ++waiting->calls;
  ++calls_;
  return Counted([this, name = tenant.name()] { Leave(name); });
}

void RevisionWaits::Leave(const std::string& tenant) {
  absl::MutexLock lock(&mutex_);
  --calls_;
  const auto it = waiting_.find(tenant);
  if (--it->second->calls == 0) waiting_.erase(it);
}

int64_t RevisionWaits::Notified(const TenantId& tenant) const {
  absl::MutexLock lock(&mutex_);
  return waiting_.at(tenant.name())->notified;
}

absl::Status RevisionWaits::WaitForNotify(const TenantId& tenant, int64_t seen, absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return ShuttingDown();
  Waiting& waiting = *waiting_.at(tenant.name());
  if (waiting.notified == seen) waiting.notify.WaitWithTimeout(&mutex_, timeout);
  return absl::OkStatus();
}

void RevisionWaits::Notify(const TenantId& tenant) {
  absl::MutexLock lock(&mutex_);
  const auto it = waiting_.find(tenant.name());
  if (it == waiting_.end()) return;
  ++it->second->notified;
  it->second->notify.SignalAll();
}

void RevisionWaits::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  for (const auto& [tenant, waiting] : waiting_) waiting->notify.SignalAll();
}

size_t RevisionWaits::calls() const {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

}  // namespace qconfig
