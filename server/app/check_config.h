// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_CHECK_CONFIG_H_
#define QCONFIG_SERVER_APP_CHECK_CONFIG_H_

#include "absl/status/status.h"
#include "server/options/command_line.h"
#include "server/options/options.h"

namespace qconfig {

// Checks what CheckOptions() does not: whether a server can use the files that `options` name. Changes nothing on disk.
// kInvalidArgument: the file of the registry cannot be used. kFailedPrecondition: a TLS file cannot be used. The
// message names the file.
absl::Status CheckStart(const Options& options);

// Runs the subcommand check-config: prints the result and returns the exit code.
int CheckConfig(const Options& options, const CommandLine& line);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_CHECK_CONFIG_H_
