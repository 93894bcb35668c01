// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_CHECK_CONFIG_H_
#define QCONFIG_SERVER_APP_CHECK_CONFIG_H_

#include "absl/status/status.h"
#include "server/options/command_line.h"
#include "server/options/options.h"

namespace qconfig {

// What beside CheckOptions() would keep a server from starting with `options`, as far as it can be known without
// starting it: kInvalidArgument with a sentence. Changes nothing on disk.
absl::Status CheckStart(const Options& options);

// The subcommand check-config: prints what is found, and returns the exit code.
int CheckConfig(const Options& options, const CommandLine& line);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_CHECK_CONFIG_H_
