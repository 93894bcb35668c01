// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_PRINT_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_PRINT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "qconfig/client.h"

namespace qconfig::client {

// Prints the text to standard output, or its error to standard error. Returns the exit code.
int PrintText(const absl::StatusOr<std::string>& text);

// Prints the rows in aligned columns. The first row has the headings.
void PrintTable(const std::vector<std::vector<std::string>>& rows);

// Keeps the command line, without the name of the program, for the commands that PrintError suggests.
void KeepCommandLine(const std::vector<std::string>& words);

// Print to standard error. PrintError returns the exit code.
int PrintError(const absl::Status& status, const ClientOptions& options);
void PrintWarnings(const google::protobuf::RepeatedPtrField<v1::Warning>& warnings);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_PRINT_H_
