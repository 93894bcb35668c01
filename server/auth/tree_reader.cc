// SPDX-License-Identifier: Apache-2.0
#include "server/auth/tree_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/suggestion.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

constexpr size_t kMaxShown = 128;
constexpr size_t kMaxProblem = 1000;  // characters

std::string Join(absl::string_view path, absl::string_view key) {
  return absl::StrCat(path, path.empty() ? "" : ".", Printable(key, kMaxShown));
}

}  // namespace

TreeReader::TreeReader(const FileTree& tree) : root_{&tree.root, &tree.lines, tree.lines.line, ""} {}

void TreeReader::Fault(const TreeValue& value, absl::string_view problem) {
  faults_.Add(absl::StrCat(value.path, value.path.empty() ? "" : ", ", "line ", value.line),
              Printable(problem, kMaxProblem));
}

TreeValue TreeReader::Child(const TreeValue& parent, size_t index, const std::string& path) const {
  const nlohmann::ordered_json& json = *std::next(parent.json->begin(), static_cast<std::ptrdiff_t>(index));
  static const FileLines kNone;
  if (index >= parent.lines->items.size()) return {&json, &kNone, parent.line, path};
  const FileLines& lines = parent.lines->items[index];
  return {&json, &lines, lines.line, path};
}

std::optional<TreeValue> TreeReader::Find(const TreeValue& object, absl::string_view key) const {
  const auto found = object.json->find(key);
  if (!object.json->is_object() || found == object.json->end() || found->is_null()) return std::nullopt;
  return Child(object, static_cast<size_t>(std::distance(object.json->begin(), found)), Join(object.path, key));
}

std::optional<TreeValue> TreeReader::Require(const TreeValue& object, absl::string_view key) {
  auto value = Find(object, key);
  if (!value.has_value()) Fault(object, absl::StrCat(key, " is required"));
  return value;
}

bool TreeReader::IsObject(const TreeValue& value, const std::vector<absl::string_view>& keys) {
  if (!value.json->is_object()) {
    Fault(value, "must be an object");
    return false;
  }
  ForEachMember(value, [&](const std::string& key, const TreeValue& member) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      Fault(member, absl::StrCat("unknown key", Suggestion(key, keys)));
    } else if (member.json->is_null()) {
      Fault(member, "has no value; set it, or remove the key");
    }
  });
  return true;
}

void TreeReader::ForEachMember(const TreeValue& object,
                               const std::function<void(const std::string& key, const TreeValue&)>& read) {
  if (!object.json->is_object()) return Fault(object, "must be an object");
  size_t index = 0;
  for (const auto& [key, unused] : object.json->items()) {
    read(key, Child(object, index, Join(object.path, key)));
    ++index;
  }
}

void TreeReader::ForEachItem(const TreeValue& list, const std::function<void(const TreeValue&)>& read) {
  if (!list.json->is_array()) return Fault(list, "must be a list");
  for (size_t i = 0; i < list.json->size(); ++i) read(Child(list, i, absl::StrCat(list.path, "[", i, "]")));
}

std::optional<std::string> TreeReader::String(const TreeValue& value) {
  if (value.json->is_string() && !value.json->get_ref<const std::string&>().empty())
    return value.json->get<std::string>();
  Fault(value, value.json->is_string() ? "must not be empty" : "must be a string");
  return std::nullopt;
}

std::optional<std::string> TreeReader::RequireString(const TreeValue& object, absl::string_view key) {
  const auto value = Require(object, key);
  return value.has_value() ? String(*value) : std::nullopt;
}

std::optional<int64_t> TreeReader::Integer(const TreeValue& value, int64_t least, int64_t most) {
  if (value.json->is_number_integer()) {
    const auto number = value.json->get<int64_t>();
    if (number >= least && number <= most) return number;
  }
  Fault(value, absl::StrCat("must be a whole number from ", least, " to ", most));
  return std::nullopt;
}

std::optional<bool> TreeReader::Bool(const TreeValue& value) {
  if (value.json->is_boolean()) return value.json->get<bool>();
  Fault(value, "must be true or false");
  return std::nullopt;
}

}  // namespace qconfig
