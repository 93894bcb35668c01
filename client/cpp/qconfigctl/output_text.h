// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_OUTPUT_TEXT_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_OUTPUT_TEXT_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace qconfig::client {

// Convert responses to text that ends with a line break. kInternal: the response has no such form.

// ProtoJSON with the proto file's field names.
absl::StatusOr<std::string> JsonText(const google::protobuf::Message& message);
absl::StatusOr<std::string> TextprotoText(const google::protobuf::Message& message);

// Indents `json`, keeping the order of its keys.
absl::StatusOr<std::string> IndentedJson(const std::string& json);

// Aligns the rows in columns. The first row has the headings.
std::string TableText(const std::vector<std::vector<std::string>>& rows);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_OUTPUT_TEXT_H_
