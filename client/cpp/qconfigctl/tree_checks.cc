// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/tree_checks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/suggestion.h"
#include "core/utf8.h"

namespace qconfig::client {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMaxShown = 128;  // characters of an invalid value

}  // namespace

absl::Status Invalid(absl::string_view path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, path.empty() ? "" : ": ", what));
}

std::string Join(absl::string_view path, absl::string_view key) {
  return absl::StrCat(path, path.empty() ? "" : ".", Printable(key, kMaxShown));
}

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", Printable(text, kMaxShown), "\""); }

const ordered_json& Member(const ordered_json& object, const char* key) {
  static const auto* const kNull = new ordered_json;
  if (!object.is_object()) return *kNull;
  const auto it = object.find(key);
  return it == object.end() ? *kNull : *it;
}

bool CheckKeys(const ordered_json& json, absl::string_view path, const std::vector<absl::string_view>& keys,
               Faults& faults) {
  if (!json.is_object()) {
    faults.Add(path, "not an object");
    return false;
  }
  for (const auto& [key, value] : json.items()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    faults.Add(Join(path, key), faults.is_full() ? "" : absl::StrCat("unknown key", Suggestion(key, keys)));
  }
  return true;
}

void ReadString(const ordered_json& json, absl::string_view path, std::string& text, Faults& faults) {
  if (json.is_null()) return;
  if (!json.is_string()) return faults.Add(path, "not a string");
  text = json.get<std::string>();
}

void ReadLabels(const ordered_json& json, google::protobuf::Map<std::string, std::string>& labels, Faults& faults) {
  if (json.is_null()) return;
  if (!json.is_object()) return faults.Add("labels", "not an object");
  for (const auto& [key, value] : json.items()) {
    if (value.is_string()) {
      labels[key] = value.get<std::string>();
    } else {
      faults.Add(Join("labels", key), "not a string");
    }
  }
}

}  // namespace qconfig::client
