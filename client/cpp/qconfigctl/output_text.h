// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_OUTPUT_TEXT_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_OUTPUT_TEXT_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/statusor.h"

namespace qconfig::client {

// Answers as texts of whole lines. kInternal: the answer cannot be written so.

// ProtoJSON with the proto file's field names.
absl::StatusOr<std::string> JsonText(const google::protobuf::Message& message);
absl::StatusOr<std::string> TextprotoText(const google::protobuf::Message& message);

// `json` with line breaks, its keys in the same order.
absl::StatusOr<std::string> IndentedJson(const std::string& json);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_OUTPUT_TEXT_H_
