// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_CHECK_CONFIG_H_
#define QCONFIG_SERVER_APP_CHECK_CONFIG_H_

#include "absl/status/status.h"
#include "server/options/command_line.h"
#include "server/options/options.h"

namespace qconfig {

// Checks what CheckOptions() does not: whether a server can use the files that `options` name. kInvalidArgument: the
// message says which it cannot use. Changes nothing on disk.
absl::Status CheckStart(const Options& options);

// The subcommand check-config: prints the result, and returns the exit code.
int CheckConfig(const Options& options, const CommandLine& line);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_CHECK_CONFIG_H_
