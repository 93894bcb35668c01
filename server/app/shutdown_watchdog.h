// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SHUTDOWN_WATCHDOG_H_
#define QCONFIG_SERVER_APP_SHUTDOWN_WATCHDOG_H_

#include <memory>

#include "absl/time/time.h"
#include "server/app/shutdown_request.h"
#include "server/base/event_log.h"
#include "server/rpc/in_flight_calls.h"

namespace qconfig {

// Exits the process when a graceful shutdown is impossible or takes too long: if shutdown is requested before calls are
// served, at a second signal, and after `max_shutdown`. Thread-safe.
class ShutdownWatchdog {
 public:
  // Starts a thread that never ends.
  ShutdownWatchdog(std::shared_ptr<ShutdownRequest> request, const EventLog& log, absl::Duration max_shutdown);

  // Call this when the server begins to serve calls: the exit code depends on the calls in flight.
  void Watch(std::shared_ptr<InFlightCalls> in_flight_calls);

 private:
  struct State;

  static void Run(State& state, const EventLog& log, absl::Duration max_shutdown);

  const std::shared_ptr<State> state_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SHUTDOWN_WATCHDOG_H_
