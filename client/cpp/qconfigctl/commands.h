// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_COMMANDS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "qconfig/client.h"

namespace qconfig::client {

// Exit codes of qconfigctl.
inline constexpr int kDone = 0;
inline constexpr int kRejected = 1;     // the server rejected the request
inline constexpr int kUsageError = 2;   // the command line or a file is invalid; nothing was written to the registry
inline constexpr int kUnreachable = 3;  // the call failed with UNAVAILABLE or DEADLINE_EXCEEDED
inline constexpr int kNotWritten = 4;   // the output could not be written

inline constexpr char kNewToken[] = "new-token";

// Each function adds one subcommand to `app`. The subcommand runs when it is parsed: it calls the server in `options`,
// prints the response to standard output, and sets `exit_code`. `options` and `exit_code` must outlive `app`.
void AddGetConfig(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddPlan(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddList(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddDescribe(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddRegister(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddUnregister(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddSetDefaultCatalog(CLI::App& app, const ClientOptions& options, int& exit_code);
void AddWhoAmI(CLI::App& app, const ClientOptions& options, int& exit_code);
// Does not call a server.
void AddNewToken(CLI::App& app, int& exit_code);

// Throws CLI::ValidationError if the command line has --catalog, which does not apply to `command`.
void RejectCatalog(const CLI::App& command);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_COMMANDS_H_
