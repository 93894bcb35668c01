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

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t before = text.size();
    const char32_t c = TakeCodePoint(text);
    if (c >= 0x80 && before - text.size() == 1) return false;
  }
  return true;
}

const ordered_json& Member(const ordered_json& object, const char* key) {
  static const auto* const kNull = new ordered_json;
  const auto it = object.find(key);
  return it == object.end() ? *kNull : *it;
}

absl::Status CheckKeys(const ordered_json& json, absl::string_view path, const std::vector<absl::string_view>& keys) {
  if (!json.is_object()) return Invalid(path, "not an object");
  for (const auto& [key, value] : json.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      return Invalid(Join(path, key), absl::StrCat("unknown key", Suggestion(key, keys)));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadString(const ordered_json& json, absl::string_view path, std::string& text) {
  if (json.is_null()) return absl::OkStatus();
  if (!json.is_string()) return Invalid(path, "not a string");
  text = json.get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadLabels(const ordered_json& json, google::protobuf::Map<std::string, std::string>& labels) {
  if (json.is_null()) return absl::OkStatus();
  if (!json.is_object()) return Invalid("labels", "not an object");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) return Invalid(Join("labels", key), "not a string");
    labels[key] = value.get<std::string>();
  }
  return absl::OkStatus();
}

}  // namespace qconfig::client
