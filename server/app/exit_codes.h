// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_EXIT_CODES_H_
#define QCONFIG_SERVER_APP_EXIT_CODES_H_

#include <cstddef>

namespace qconfig {

// Exit codes of qconfigd.
inline constexpr int kEnded = 0;   // every call finished, or the subcommand succeeded
inline constexpr int kFailed = 1;  // could not start, lost its port, or the subcommand failed
inline constexpr int kWrongOptions = 2;
inline constexpr int kCallsCancelled = 3;  // calls were still running at the end

// The exit code after a shutdown that cancelled this many calls.
inline int ExitCodeOf(bool port_lost, size_t cancelled_calls) {
  if (port_lost) return kFailed;
  return cancelled_calls == 0 ? kEnded : kCallsCancelled;
}

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_EXIT_CODES_H_
