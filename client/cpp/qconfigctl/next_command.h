// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_NEXT_COMMAND_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_NEXT_COMMAND_H_

#include <string>
#include <vector>

#include "qconfig/v1/error.pb.h"

namespace qconfig::client {

// Returns the command line with the only suggestion of `detail`, or a removed entry, instead of the rejected value, and
// with the catalogue, the revision or the algorithm that the suggestion needs. Empty if there is another number of
// suggestions, if the value is not exactly once in `words`, or if the suggestion only resembles the value. `words` is
// the command line without the name of the program.
std::string NextCommand(const std::vector<std::string>& words, const v1::ErrorDetail& detail);

// The command line for a shell, with quotes where necessary.
std::string ShellText(const std::vector<std::string>& words);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_NEXT_COMMAND_H_
