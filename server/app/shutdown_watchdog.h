// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SHUTDOWN_WATCHDOG_H_
#define QCONFIG_SERVER_APP_SHUTDOWN_WATCHDOG_H_

#include <memory>

#include "absl/time/time.h"
#include "server/app/shutdown_request.h"
#include "server/observe/event_log.h"
#include "server/rpc/in_flight_calls.h"

namespace qconfig {

// Exits the process when a shutdown is requested that cannot be, or is no longer to be, graceful: before calls are
// served, when a second signal asks for it, or when the shutdown takes longer than it may. Thread-safe.
class ShutdownWatchdog {
 public:
  // Watches on a thread that never ends.
  ShutdownWatchdog(std::shared_ptr<ShutdownRequest> request, const EventLog& log, absl::Duration max_shutdown);

  // Calls are served from now on. The exit code depends on them.
  void Watch(std::shared_ptr<InFlightCalls> in_flight_calls);

 private:
  struct State;

  static void Run(State& state, const EventLog& log, absl::Duration max_shutdown);

  const std::shared_ptr<State> state_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SHUTDOWN_WATCHDOG_H_
