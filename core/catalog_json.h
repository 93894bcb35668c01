// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_CATALOG_JSON_H_
#define QCONFIG_CORE_CATALOG_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// The error of the readers of catalogue data: kInvalidArgument. `where` is a file or a path.
inline absl::Status Malformed(absl::string_view where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

// The value of `key`, or null if `object` does not have it.
inline const nlohmann::ordered_json& Member(const nlohmann::ordered_json& object, const char* key) {
  static const auto* const kNull = new nlohmann::ordered_json;
  const auto it = object.find(key);
  return it == object.end() ? *kNull : *it;
}

// The string of `key`, or an empty one if `object` has no string there.
inline std::string TextOrEmpty(const nlohmann::ordered_json& object, const char* key) {
  const nlohmann::ordered_json& value = Member(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

// Calls `add` with each item of a list of strings. A single string counts as a list of one, null as the empty list.
// kInvalidArgument, with `path`, for other values. `add` may have been called by then.
template <typename AddString>
absl::Status ReadStrings(const nlohmann::ordered_json& json, const std::string& path, AddString add) {
  if (json.is_null()) return absl::OkStatus();
  if (json.is_string()) {
    add(json.get<std::string>());
    return absl::OkStatus();
  }
  if (!json.is_array()) return Malformed(path, "not a list");
  for (const nlohmann::ordered_json& item : json) {
    if (!item.is_string()) return Malformed(path, "not a list of strings");
    add(item.get<std::string>());
  }
  return absl::OkStatus();
}

}  // namespace qconfig

#endif  // QCONFIG_CORE_CATALOG_JSON_H_
