// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SHUTDOWN_REQUEST_H_
#define QCONFIG_SERVER_APP_SHUTDOWN_REQUEST_H_

#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// Why the process shuts down.
enum class ShutdownCause { kSigterm, kSigint };

// "SIGTERM" or "SIGINT".
absl::string_view ShutdownCauseName(ShutdownCause cause);

// Passes a shutdown request from the thread that detects its cause to the threads that wait for it.
// Thread-safe.
class ShutdownRequest {
 public:
  // The first request starts the shutdown. A later one requests an immediate exit.
  void Request(ShutdownCause cause) ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits for the first request, and returns its cause.
  ShutdownCause Wait() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits up to `timeout` for a second request, that is, for an immediate exit. Returns whether there was one.
  bool WaitForExitAtOnce(absl::Duration timeout) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  bool IsRequested() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return first_.has_value(); }

  mutable absl::Mutex mutex_;
  std::optional<ShutdownCause> first_ ABSL_GUARDED_BY(mutex_);
  bool exit_at_once_ ABSL_GUARDED_BY(mutex_) = false;
  mutable SteadyCondVar exit_requested_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SHUTDOWN_REQUEST_H_
