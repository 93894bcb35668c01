// SPDX-License-Identifier: Apache-2.0
#include "server/app/shutdown_request.h"

namespace qconfig {

absl::string_view ShutdownCauseName(ShutdownCause cause) {
  return cause == ShutdownCause::kSigterm ? "SIGTERM" : "SIGINT";
}

void ShutdownRequest::Request(ShutdownCause cause) {
  absl::MutexLock lock(&mutex_);
  if (first_.has_value()) {
    exit_at_once_ = true;
    exit_requested_.SignalAll();
  } else {
    first_ = cause;
  }
}

ShutdownCause ShutdownRequest::Wait() const {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &ShutdownRequest::IsRequested));
  return *first_;
}

bool ShutdownRequest::WaitForExitAtOnce(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto is_requested = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return exit_at_once_; };
  return exit_requested_.AwaitWithTimeout(&mutex_, is_requested, timeout);
}

}  // namespace qconfig
