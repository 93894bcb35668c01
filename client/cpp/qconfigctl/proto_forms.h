// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_PROTO_FORMS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_PROTO_FORMS_H_

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"

namespace qconfig::client {

// Read protobuf's two text forms into the empty `message`, which after a failure is half filled. kInvalidArgument, with
// the path or the line: what protobuf refuses, and what it lets pass although it is most likely a mistake: a field in
// both its spellings, one value where a list belongs, a key of a map given twice, a number that no enum has, a number
// that is not finite, text that is not UTF-8, or nothing at all.
absl::Status ReadProtoJson(const nlohmann::ordered_json& json, google::protobuf::Message& message);
absl::Status ReadTextproto(const std::string& text, google::protobuf::Message& message);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_PROTO_FORMS_H_
