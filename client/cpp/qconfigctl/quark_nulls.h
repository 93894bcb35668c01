// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_NULLS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_NULLS_H_

#include <google/protobuf/descriptor.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"

namespace qconfig::client {

// Messages cannot represent null: a null field becomes an unset field, which takes Quark's default.
// kInvalidArgument, with the path: `json` sets a field to null whose default is not None, so the null would be lost.
// REQUIRES: ReadQuarkJson has parsed `json` into a message of `type`.
absl::Status RejectLostNulls(const nlohmann::ordered_json& json, const std::string& path,
                             const google::protobuf::Descriptor& type);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_NULLS_H_
