// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SHUTDOWN_SIGNALS_H_
#define QCONFIG_SERVER_APP_SHUTDOWN_SIGNALS_H_

#include <memory>

#include "server/app/shutdown_request.h"

namespace qconfig {

// SIGTERM and SIGINT, as requests to shut down.

// Blocks the signals for this thread and those that it starts from now on. REQUIRES: there is no other thread.
void BlockShutdownSignals();
// Lets the signals end the process again, for this thread.
void UnblockShutdownSignals();

// Passes each signal on to `request` from now on, by a thread that never ends. REQUIRES: BlockShutdownSignals() was
// called.
void PassShutdownSignalsTo(std::shared_ptr<ShutdownRequest> request);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SHUTDOWN_SIGNALS_H_
