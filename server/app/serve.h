// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SERVE_H_
#define QCONFIG_SERVER_APP_SERVE_H_

#include "absl/strings/string_view.h"
#include "server/options/options.h"

namespace qconfig {

// Exit codes of qconfigd.
inline constexpr int kEnded = 0;        // every call was answered, or the subcommand did what it is for
inline constexpr int kCannotStart = 1;  // or lost its port, or the subcommand failed
inline constexpr int kWrongOptions = 2;
inline constexpr int kCallsCancelled = 3;  // calls still ran at the end

// Serves as `options` say until SIGTERM or SIGINT, and returns the exit code. REQUIRES: CheckOptions(options) is OK,
// ShutdownSignals::Block() was called, and this is the process's only thread. Throws std::system_error when there are
// no threads to start with.
int Serve(const Options& options);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SERVE_H_
