// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_CONFIG_CLASS_READER_H_
#define QCONFIG_CORE_CONFIG_CLASS_READER_H_

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "core/config_class.h"

namespace qconfig {

// Reads one class of vocabulary.json: a list of {"field": ..., "type": ..., "default": ...}, or "required": true
// instead of a default. `prototype` has the type of the message that stands for the class. Error paths start with
// `path`. kInvalidArgument: the message lacks a field, or a default does not have the type of its field.
absl::StatusOr<ConfigClass> ReadConfigClass(const nlohmann::ordered_json& fields, const std::string& path,
                                            const google::protobuf::Message& prototype);

}  // namespace qconfig

#endif  // QCONFIG_CORE_CONFIG_CLASS_READER_H_
