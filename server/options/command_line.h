// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OPTIONS_COMMAND_LINE_H_
#define QCONFIG_SERVER_OPTIONS_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/options/options.h"

namespace qconfig {

// An option that does not have its default value.
struct GivenOption {
  std::string flag;
  std::string value;
  std::string source;  // "flag", "environment: QCONFIG_LISTEN" or "file: /etc/qconfig/qconfigd.conf, line 4"
};

struct CommandLine {
  bool help_printed = false;       // --help or --version was given
  std::vector<GivenOption> given;  // in the order of --help
};

// Parses the arguments, of which "help" and "version" are the same as the flags, and sets the options of `app`: from
// the flag, otherwise from the environment variable, otherwise from the file that --config names. An empty variable
// counts only for options that can be empty. kInvalidArgument: a value is invalid, or an option is unknown or was
// removed. The message says where it is set and what is accepted.
absl::StatusOr<CommandLine> ParseCommandLine(CLI::App& app, int argc, const char* const* argv);

// A warning for each QCONFIG_ variable in the environment that neither qconfigd nor qconfigctl reads.
std::vector<std::string> UnknownVariables();

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OPTIONS_COMMAND_LINE_H_
