// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_COMMANDS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "qconfig/client.h"

namespace qconfig::client {

// Exit codes of qconfigctl.
inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;      // the server refused the request
inline constexpr int kWrongUsage = 2;   // the command line or a file is wrong; nothing was written to the registry
inline constexpr int kUnreachable = 3;  // the server could not be reached, did not answer in time, or said UNAVAILABLE
inline constexpr int kNotWritten = 4;   // the output could not be written

// Each adds one subcommand to `app`. When the subcommand is parsed it calls the server that `options` names, prints the
// answer to standard output, and leaves the exit code in `exit_code`. Both must outlive `app`.
void AddGetConfig(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddList(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddDescribe(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddRegister(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddUnregister(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddSetDefaultCatalog(CLI::App& app, const ClientOptions& options, int& exit_code);

// Ends with kWrongUsage if the command line has --catalog, which does not apply to `command`.
void RefuseCatalog(const CLI::App& command);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_COMMANDS_H_
