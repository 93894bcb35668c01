// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_NULLS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_NULLS_H_

#include <google/protobuf/descriptor.h>

#include <nlohmann/json.hpp>
#include <string>

#include "core/faults.h"

namespace qconfig::client {

// Messages cannot represent null: a null field becomes an unset field, which takes Quark's default.
// Adds a fault for each field that `json` sets to null and whose default is not None, so that the null would be lost.
void RejectLostNulls(const nlohmann::ordered_json& json, const std::string& path,
                     const google::protobuf::Descriptor& type, Faults& faults);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_QUARK_NULLS_H_
