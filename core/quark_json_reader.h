// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_QUARK_JSON_READER_H_
#define QCONFIG_CORE_QUARK_JSON_READER_H_

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"

namespace qconfig {

// Reads the result of Quark's `to_dict()` for a tensor, layer or algorithm configuration into the message of the same
// fields. Null is an absent field, enums have Quark's spelling, a single stage need not be a list, and ordered
// dictionaries become lists of entries. Field paths in errors start with `path`. kInvalidArgument: the message does not
// have a key, or a value has the wrong type. `message` is then incomplete. The status has all such faults; see
// FaultsOf().
absl::Status ReadQuarkJson(const nlohmann::ordered_json& json, const std::string& path,
                           google::protobuf::Message& message);

}  // namespace qconfig

#endif  // QCONFIG_CORE_QUARK_JSON_READER_H_
