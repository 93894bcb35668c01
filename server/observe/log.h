// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_LOG_H_
#define QCONFIG_SERVER_OBSERVE_LOG_H_

#include <spdlog/logger.h>

#include <cstdint>
#include <memory>

#include "server/observe/log_format.h"
#include "server/options/options.h"

namespace qconfig {

// Starts the process's log, to standard error, which gRPC's complaints go to as well. It has a thread of its own: when
// nobody reads it any more, lines are lost and calls go on.
std::shared_ptr<spdlog::logger> StartLog(const Options& options);

// The form that `options` ask for: "auto" is text on a terminal.
LogForm LogFormOf(const Options& options);

// Whether gRPC told the log that its port takes no more connections. The process then sends itself a SIGTERM.
bool GrpcPortLost();

// How many lines were lost because nobody read the log.
int64_t DroppedLogLines();

// Ends the process once the log is written, or is not read within a second. Any thread may call it.
[[noreturn]] void ExitAfterLog(int code);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_LOG_H_
