// SPDX-License-Identifier: Apache-2.0
#include "server/app/shutdown_watchdog.h"

#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/app/exit_codes.h"
#include "server/observe/log.h"

namespace qconfig {

struct ShutdownWatchdog::State {
  explicit State(std::shared_ptr<ShutdownRequest> shutdown_request) : request(std::move(shutdown_request)) {}

  const std::shared_ptr<ShutdownRequest> request;
  absl::Mutex mutex;
  std::shared_ptr<InFlightCalls> in_flight_calls ABSL_GUARDED_BY(mutex);  // null: no calls are served yet
};

ShutdownWatchdog::ShutdownWatchdog(std::shared_ptr<ShutdownRequest> request, const EventLog& log,
                                   absl::Duration max_shutdown)
    : state_(std::make_shared<State>(std::move(request))) {
  std::thread([state = state_, log, max_shutdown] { Run(*state, log, max_shutdown); }).detach();
}

void ShutdownWatchdog::Watch(std::shared_ptr<InFlightCalls> in_flight_calls) {
  absl::MutexLock lock(&state_->mutex);
  state_->in_flight_calls = std::move(in_flight_calls);
}

void ShutdownWatchdog::Run(State& state, const EventLog& log, absl::Duration max_shutdown) {
  const ShutdownCause cause = state.request->Wait();
  std::shared_ptr<InFlightCalls> calls;
  {
    absl::MutexLock lock(&state.mutex);
    calls = state.in_flight_calls;
  }
  if (calls == nullptr) {
    log.Info("shut down before serving", {{"cause", ShutdownCauseName(cause)}});
    ExitAfterLog(kSuccess);
  }
  const bool is_asked = state.request->WaitForExitAtOnce(max_shutdown);
  const size_t in_flight = calls->running();
  const char* const slow = in_flight == 0 ? "storage did not close" : "cancelled calls did not end";
  log.Warn("exiting at once", {{"reason", is_asked ? "second signal" : slow}, {"in_flight", in_flight}});
  ExitAfterLog(ExitCodeOf(in_flight));
}

}  // namespace qconfig
