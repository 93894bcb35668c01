// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_TREE_CHECKS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_TREE_CHECKS_H_

#include <google/protobuf/map.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/faults.h"

namespace qconfig::client {

// Functions for reading the tree of a file. They add what is wrong to `faults`. The path of the root is "".

// Returns kInvalidArgument with the text "path: what".
absl::Status Invalid(absl::string_view path, absl::string_view what);

// Returns "path.key" in printable form, such as "weight.dtype".
std::string Join(absl::string_view path, absl::string_view key);

// Returns `text` in quotes, in printable form, and truncated if it is long.
std::string Quoted(absl::string_view text);

// Returns the value of `key`, or null if `object` is not an object or does not have it.
const nlohmann::ordered_json& Member(const nlohmann::ordered_json& object, const char* key);

// Faults: `json` is not an object, or has keys that are not in `keys`; the text suggests similar keys. Returns whether
// it is an object.
bool CheckKeys(const nlohmann::ordered_json& json, absl::string_view path, const std::vector<absl::string_view>& keys,
               Faults& faults);

// Stores a string in `text`. Leaves `text` unchanged if `json` is null.
void ReadString(const nlohmann::ordered_json& json, absl::string_view path, std::string& text, Faults& faults);

// Calls `add` for each item of a list of strings. Null is an empty list.
template <typename AddString>
void ReadStrings(const nlohmann::ordered_json& json, absl::string_view path, AddString add, Faults& faults,
                 absl::string_view problem = "not a list of strings") {
  if (json.is_null()) return;
  if (!json.is_array()) return faults.Add(path, problem);
  for (const nlohmann::ordered_json& item : json) {
    if (!item.is_string()) return faults.Add(path, problem);
    add(item.get_ref<const std::string&>());
  }
}

// Reads an object whose values are strings. Null is an empty object.
void ReadLabels(const nlohmann::ordered_json& json, google::protobuf::Map<std::string, std::string>& labels,
                Faults& faults);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_TREE_CHECKS_H_
