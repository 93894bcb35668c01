// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SERVE_H_
#define QCONFIG_SERVER_APP_SERVE_H_

#include "server/options/options.h"

namespace qconfig {

// Serves `catalogs` with `options` until SIGTERM or SIGINT, and returns the exit code. REQUIRES:
// CheckOptions(options, catalogs) is OK, BlockShutdownSignals() was called, and this is the process's only thread.
// Throws std::system_error if it cannot start threads.
int Serve(const Options& options, const Catalogs& catalogs);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SERVE_H_
