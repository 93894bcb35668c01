// SPDX-License-Identifier: Apache-2.0
#include "server/admin/readiness.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/utf8.h"

namespace qconfig {

void Readiness::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    state_ = State::kStopped;
    changed_.SignalAll();
  }
  if (checker_.joinable()) checker_.join();
}

void Readiness::Serve(std::function<absl::Status()> check_store) {
  checker_ = std::thread([this, check = std::move(check_store)] { RunChecks(check); });
  absl::MutexLock lock(&mutex_);
  if (state_ == State::kStarting) state_ = State::kServing;
}

void Readiness::Drain() {
  absl::MutexLock lock(&mutex_);
  state_ = State::kDraining;
  changed_.SignalAll();
}

void Readiness::RunChecks(const std::function<absl::Status()>& check_store) {
  const auto has_work = [this]()
                            ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return check_pending_ || state_ == State::kStopped; };
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (state_ == State::kStopped) return;
    }
    absl::Status status = check_store();
    absl::MutexLock lock(&mutex_);
    last_status_ = std::move(status);
    check_pending_ = false;
    ++finished_checks_;
    changed_.SignalAll();
  }
}

absl::Status Readiness::Check() {
  absl::MutexLock lock(&mutex_);
  if (state_ == State::kStarting) return absl::UnavailableError("starting");
  if (state_ != State::kServing) return absl::UnavailableError("draining");
  if (!check_pending_) {
    check_pending_ = true;
    check_requested_at_ = clock_.Steady();
  }
  const int64_t seen = finished_checks_;
  const auto is_done = [this, seen]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return finished_checks_ != seen || state_ != State::kServing;
  };
  // All callers that wait for the same check have the same deadline.
  const absl::Duration left = check_requested_at_ + max_wait_ - clock_.Steady();
  if (!changed_.AwaitWithTimeout(&mutex_, is_done, left)) {
    return absl::UnavailableError(absl::StrCat(
        "storage: no answer for ", absl::ToInt64Milliseconds(clock_.Steady() - check_requested_at_), " ms"));
  }
  if (state_ != State::kServing) return absl::UnavailableError("draining");
  constexpr size_t kMaxChars = 512;
  if (!last_status_.ok())
    return absl::UnavailableError(absl::StrCat("storage: ", Printable(last_status_.message(), kMaxChars)));
  return absl::OkStatus();
}

}  // namespace qconfig
