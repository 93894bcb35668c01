// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_TREE_CHECKS_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_TREE_CHECKS_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace qconfig::client {

// The steps that readers of a file's tree share. A path is "" for the whole file.

// kInvalidArgument: "path: what".
absl::Status Wrong(absl::string_view path, absl::string_view what);

// "weight.dtype", made printable.
std::string Join(absl::string_view path, absl::string_view key);

// `text` in quotes, made printable and cut.
std::string Quoted(absl::string_view text);

bool IsUtf8(absl::string_view text);

// The value of `key`; null when `object` does not have it.
const nlohmann::ordered_json& Member(const nlohmann::ordered_json& object, const char* key);

// kInvalidArgument: `json` is no object, or has a key that is not one of `keys`; then the nearest are named.
absl::Status CheckKeys(const nlohmann::ordered_json& json, absl::string_view path,
                       const std::vector<absl::string_view>& keys);

// Into `text`, which stays as it is for null.
absl::Status ReadString(const nlohmann::ordered_json& json, absl::string_view path, std::string& text);

// A list of strings, or null for none. `add` is called for each.
template <typename AddString>
absl::Status ReadStrings(const nlohmann::ordered_json& json, absl::string_view path, AddString add) {
  if (json.is_null()) return absl::OkStatus();
  if (!json.is_array()) return Wrong(path, "not a list of strings");
  for (size_t i = 0; i < json.size(); ++i) {
    if (!json[i].is_string()) return Wrong(path, "not a list of strings");
    add(json[i].get_ref<const std::string&>());
  }
  return absl::OkStatus();
}

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_TREE_CHECKS_H_
