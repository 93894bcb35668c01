// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_PROTO_FORMATS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_PROTO_FORMATS_H_

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"

namespace qconfig::client {

// Parse ProtoJSON or textproto into the empty `message`, whose content is unspecified after an error.
// kInvalidArgument, with the paths (see FaultsOf) or the line: whatever protobuf rejects, and likely mistakes that it
// accepts: a field under both of its names, a single value for a list, a duplicate map key, an unknown enum number, a
// number that is not finite, text that is not UTF-8, or no fields at all.
absl::Status ReadProtoJson(const nlohmann::ordered_json& json, google::protobuf::Message& message);
absl::Status ReadTextproto(const std::string& text, google::protobuf::Message& message);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_PROTO_FORMATS_H_
