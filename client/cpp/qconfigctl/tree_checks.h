// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_TREE_CHECKS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_TREE_CHECKS_H_

#include <google/protobuf/map.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace qconfig::client {

// Functions for reading the tree of a file. The path of the root is "".

// Returns kInvalidArgument with the text "path: what".
absl::Status Invalid(absl::string_view path, absl::string_view what);

// Returns "path.key" in printable form, such as "weight.dtype".
std::string Join(absl::string_view path, absl::string_view key);

// Returns `text` in quotes, in printable form, and truncated if it is long.
std::string Quoted(absl::string_view text);

bool IsUtf8(absl::string_view text);

// Returns the value of `key`, or null if `object` does not have it.
const nlohmann::ordered_json& Member(const nlohmann::ordered_json& object, const char* key);

// kInvalidArgument: `json` is not an object, or has a key that is not in `keys`; the text suggests similar keys.
absl::Status CheckKeys(const nlohmann::ordered_json& json, absl::string_view path,
                       const std::vector<absl::string_view>& keys);

// Stores a string in `text`. Leaves `text` unchanged if `json` is null.
absl::Status ReadString(const nlohmann::ordered_json& json, absl::string_view path, std::string& text);

// Calls `add` for each item of a list of strings. Null is an empty list.
template <typename AddString>
absl::Status ReadStrings(const nlohmann::ordered_json& json, absl::string_view path, AddString add) {
  if (json.is_null()) return absl::OkStatus();
  if (!json.is_array()) return Invalid(path, "not a list of strings");
  for (size_t i = 0; i < json.size(); ++i) {
    if (!json[i].is_string()) return Invalid(path, "not a list of strings");
    add(json[i].get_ref<const std::string&>());
  }
  return absl::OkStatus();
}

// Reads an object whose values are strings. Null is an empty object.
absl::Status ReadLabels(const nlohmann::ordered_json& json, google::protobuf::Map<std::string, std::string>& labels);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_TREE_CHECKS_H_
