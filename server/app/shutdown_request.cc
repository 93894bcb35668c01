// SPDX-License-Identifier: Apache-2.0
#include "server/app/shutdown_request.h"

namespace qconfig {

absl::string_view ShutdownCauseName(ShutdownCause cause) {
  switch (cause) {
    case ShutdownCause::kSigterm:
      return "SIGTERM";
    case ShutdownCause::kSigint:
      return "SIGINT";
    case ShutdownCause::kPortLost:
      break;
  }
  return "gRPC port lost";
}

void ShutdownRequest::Request(ShutdownCause cause) {
  absl::MutexLock lock(&mutex_);
  const bool is_signal = cause != ShutdownCause::kPortLost;
  if (first_.has_value() && is_signal) {
    exit_at_once_ = true;
    exit_requested_.SignalAll();
  }
  if (!first_.has_value()) first_ = cause;
  if (!is_signal) port_lost_ = true;
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

bool ShutdownRequest::port_lost() const {
  absl::MutexLock lock(&mutex_);
  return port_lost_;
}

}  // namespace qconfig
