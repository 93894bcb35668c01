// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SHUTDOWN_SIGNALS_H_
#define QCONFIG_SERVER_APP_SHUTDOWN_SIGNALS_H_

#include <memory>

#include "server/app/shutdown_request.h"

namespace qconfig {

// Turns SIGTERM and SIGINT into shutdown requests.

// Blocks the signals for this thread and the threads that it starts later. REQUIRES: there is no other thread.
void BlockShutdownSignals();
// Lets the signals end the process again, for this thread.
void UnblockShutdownSignals();

// Starts a thread that passes all signals to `request` and never ends. REQUIRES: BlockShutdownSignals() was called.
void PassShutdownSignalsTo(std::shared_ptr<ShutdownRequest> request);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SHUTDOWN_SIGNALS_H_
