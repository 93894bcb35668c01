// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_QUARK_JSON_READER_H_
#define QCONFIG_CORE_QUARK_JSON_READER_H_

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"

namespace qconfig {

// Reads what Quark's `to_dict()` writes of a tensor, layer or algorithm configuration into the message of the same
// fields: null is an absent field, enums go by Quark's spelling, one stage may stand without a list, ordered
// dictionaries become lists of entries. `path` begins the field paths of errors.
// kInvalidArgument: a key that the message does not have, or a value of another type. `message` is then half filled.
absl::Status ReadQuarkJson(const nlohmann::ordered_json& json, const std::string& path,
                           google::protobuf::Message& message);

}  // namespace qconfig

#endif  // QCONFIG_CORE_QUARK_JSON_READER_H_
