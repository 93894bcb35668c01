// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OPTIONS_COMMAND_LINE_H_
#define QCONFIG_SERVER_OPTIONS_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/options/options.h"

namespace qconfig {

// An option whose value is not the default.
struct GivenOption {
  std::string flag;
  std::string value;
  std::string source;  // "flag", "environment: QCONFIG_LISTEN" or "file: /etc/qconfig/qconfigd.conf, line 4"
};

struct CommandLine {
  bool answered = false;           // --help or --version was asked for, and is printed
  std::vector<GivenOption> given;  // in the order of --help
};

// Parses the arguments. Each option of `app` gets its value from the flag, or else from its environment variable, or
// else from the file that --config names, or keeps its default. An empty variable is an empty value where that means
// something, and else as if it were not there.
// kInvalidArgument: the message is a sentence that says where the mistake is, and what is allowed.
absl::StatusOr<CommandLine> ParseCommandLine(CLI::App& app, int argc, const char* const* argv);

// One sentence for each QCONFIG_ variable in the environment that neither qconfigd nor qconfigctl knows.
std::vector<std::string> UnknownVariables();

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OPTIONS_COMMAND_LINE_H_
