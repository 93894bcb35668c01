// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_LOG_H_
#define QCONFIG_SERVER_OBSERVE_LOG_H_

#include <spdlog/logger.h>

#include <cstdint>
#include <memory>

#include "server/base/log_format.h"
#include "server/options/options.h"

namespace qconfig {

// Starts the process's log to standard error. A separate thread writes it: if nothing reads the log, lines are dropped
// and calls continue.
std::shared_ptr<spdlog::logger> StartLog(const Options& options);

// The form that `options` select; "auto" is text on a terminal and JSON elsewhere.
LogForm LogFormOf(const Options& options);

// The number of lines that were dropped because nothing read the log.
int64_t DroppedLogLines();

// Waits up to one second until the log is written, and then exits the process with `code`. Other threads can log
// meanwhile. Thread-safe; the first call determines the exit code.
[[noreturn]] void ExitAfterLog(int code);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_LOG_H_
