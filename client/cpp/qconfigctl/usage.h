// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_USAGE_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_USAGE_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace qconfig::client {

// The words of the command line, in the form that `app` parses: "help list" becomes "list --help", "version" becomes
// "--version", and "register -f FILE" gets the kind of entry that is in the file. Other words are unchanged.
std::vector<std::string> ExpandWords(int argc, const char* const* argv);

// The error to print for `error`, with line breaks. Names the command and the options that were probably meant, with a
// complete command line to run, and the environment variable if the invalid value comes from one.
std::string UsageErrorText(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_USAGE_H_
