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
  }
  if (checker_.joinable()) checker_.join();
}

void Readiness::Serve(std::function<absl::Status()> check_store) {
  checker_ = std::thread([this, check = std::move(check_store)] { CheckStoreWhenAsked(check); });
  absl::MutexLock lock(&mutex_);
  if (state_ == State::kStarting) state_ = State::kServing;
}

void Readiness::Drain() {
  absl::MutexLock lock(&mutex_);
  state_ = State::kDraining;
}

void Readiness::CheckStoreWhenAsked(const std::function<absl::Status()>& check_store) {
  const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return asked_ || state_ == State::kStopped; };
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (state_ == State::kStopped) return;
    }
    absl::Status status = check_store();
    absl::MutexLock lock(&mutex_);
    last_ = std::move(status);
    asked_ = false;
    ++checks_;
  }
}

absl::Status Readiness::Check() {
  absl::MutexLock lock(&mutex_);
  if (state_ == State::kStarting) return absl::UnavailableError("starting");
  if (state_ != State::kServing) return absl::UnavailableError("draining");
  if (!asked_) {
    asked_ = true;
    asked_at_ = absl::Now();
  }
  const int64_t seen = checks_;
  const auto is_done = [this, seen]()
                           ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return checks_ != seen || state_ != State::kServing; };
  // Who comes while a check runs waits for the same time at the most as who began it.
  if (!mutex_.AwaitWithDeadline(absl::Condition(&is_done), asked_at_ + max_wait_)) {
    return absl::UnavailableError(
        absl::StrCat("storage: no answer for ", absl::ToInt64Milliseconds(absl::Now() - asked_at_), " ms"));
  }
  if (state_ != State::kServing) return absl::UnavailableError("draining");
  constexpr size_t kMaxChars = 512;
  if (!last_.ok()) return absl::UnavailableError(absl::StrCat("storage: ", Printable(last_.message(), kMaxChars)));
  return absl::OkStatus();
}

}  // namespace qconfig
