// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_EXIT_CODES_H_
#define QCONFIG_SERVER_APP_EXIT_CODES_H_

#include <cstddef>

namespace qconfig {

// Exit codes of qconfigd.
inline constexpr int kSuccess = 0;         // every call finished, or the subcommand succeeded
inline constexpr int kFailed = 1;          // could not start, or the subcommand failed
inline constexpr int kUsageError = 2;      // the options are invalid
inline constexpr int kCallsCancelled = 3;  // the shutdown cancelled calls that were still in flight

// The exit code after a shutdown.
inline int ExitCodeOf(size_t cancelled_calls) { return cancelled_calls == 0 ? kSuccess : kCallsCancelled; }

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_EXIT_CODES_H_
