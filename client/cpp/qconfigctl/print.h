// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_PRINT_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_PRINT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "qconfig/client.h"

namespace qconfig::client {

// To standard output, or to standard error why there is no text. Returns the exit code that goes with it.
int PrintText(const absl::StatusOr<std::string>& text);

// Rows in columns as wide as they need; the first row is the heading.
void PrintTable(const std::vector<std::vector<std::string>>& rows);

// To standard error, as people read it. Returns the exit code that goes with it.
int PrintError(const absl::Status& status, const ClientOptions& options);
void PrintWarnings(const google::protobuf::RepeatedPtrField<v1::Warning>& warnings);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_PRINT_H_
