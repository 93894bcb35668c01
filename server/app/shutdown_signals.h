// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SHUTDOWN_SIGNALS_H_
#define QCONFIG_SERVER_APP_SHUTDOWN_SIGNALS_H_

#include <spdlog/logger.h>

#include <memory>

#include "absl/time/time.h"
#include "server/rpc/in_flight_calls.h"

namespace qconfig {

// SIGTERM and SIGINT. The first ends the process at once when nothing is served yet, and else makes Wait() return. A
// second one ends it at once, and so does the end of `max_ending` after the first. Thread-safe; one for a process.
class ShutdownSignals {
 public:
  // Keeps the signals from this thread and those that it starts from now on. REQUIRES: there is no other thread.
  static void Block();
  // Lets this thread have them again: they end the process.
  static void Unblock();

  // Listens for them, on a thread that is never ended. REQUIRES: Block() was called.
  ShutdownSignals(std::shared_ptr<spdlog::logger> log, absl::Duration max_ending);

  // Calls are served from now on. They decide about the exit code when the process is ended at once.
  void Watch(std::shared_ptr<InFlightCalls> in_flight_calls);

  // Returns the first signal. REQUIRES: Watch() was called.
  int Wait();

 private:
  struct State;

  const std::shared_ptr<State> state_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SHUTDOWN_SIGNALS_H_
