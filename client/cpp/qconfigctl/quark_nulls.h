// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_NULLS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_NULLS_H_

#include <google/protobuf/descriptor.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"

namespace qconfig::client {

// A message has no null: to it, a field that is null is a field that is not given, which takes Quark's default.
// kInvalidArgument, with the path: a field of `json` is null whose default is not None, so that the null would be lost.
// REQUIRES: ReadQuarkJson has read `json` into a message of `type`.
absl::Status RefuseLostNulls(const nlohmann::ordered_json& json, const std::string& path,
                             const google::protobuf::Descriptor& type);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_NULLS_H_
