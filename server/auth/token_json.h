// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_TOKEN_JSON_H_
#define QCONFIG_SERVER_AUTH_TOKEN_JSON_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// Parses a JSON object that decides who has access, so that every parser reads the same from it: unlike
// ParseStrictJson() of files, without comments. Takes time and memory in proportion to the size of `text`, and the
// result can be copied and written without deep recursion.
// kInvalidArgument: `text` is not one JSON object in UTF-8, an object has the same key twice, or arrays and objects are
// nested more than 32 deep. The message says which, for example "is not a JSON object". It has no part of `text`.
absl::StatusOr<nlohmann::json> ParseTokenJson(absl::string_view text);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_TOKEN_JSON_H_
