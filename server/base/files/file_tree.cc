// SPDX-License-Identifier: Apache-2.0
#include "server/base/files/file_tree.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMaxShown = 128;  // characters of a key

void Measure(const ordered_json& node, size_t depth, FileTreeBuilder::Subtree& subtree) {
  ++subtree.nodes;
  if (node.is_string()) subtree.bytes += node.get_ref<const std::string&>().size();
  if (!node.is_structured()) return;
  subtree.height = std::max(subtree.height, depth + 1);
  for (const auto& [key, value] : node.items()) {
    if (node.is_object()) subtree.bytes += key.size();
    Measure(value, depth + 1, subtree);
  }
}

}  // namespace

absl::Status FileTreeBuilder::Reject(absl::string_view what) const {
  std::string path;
  for (const Open& open : open_) {
    if (open.node->is_object()) {
      if (!open.last_key.empty()) absl::StrAppend(&path, path.empty() ? "" : ".", Printable(open.last_key, kMaxShown));
    } else {
      // The innermost list does not contain the current item yet; outer lists do.
      absl::StrAppend(&path, "[", open.node->size() - (&open == &open_.back() ? 0 : 1), "]");
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(path, path.empty() ? "" : ", ", "line ", line_, ": ", what));
}

absl::Status FileTreeBuilder::Charge(size_t nodes, size_t bytes) {
  if (nodes > kMaxFileNodes - nodes_) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxFileNodes, " values"));
  }
  if (bytes > kMaxFileBytes - bytes_) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxFileBytes, " bytes of text"));
  }
  nodes_ += nodes;
  bytes_ += bytes;
  return absl::OkStatus();
}

FileTreeBuilder::Added FileTreeBuilder::Add(ordered_json value) {
  if (open_.empty()) {
    root_ = std::move(value);
    lines_.line = line_;
    return {&root_, &lines_};
  }
  Open& open = open_.back();
  open.lines->items.push_back({has_key_ ? key_line_ : line_, {}});
  FileLines* lines = &open.lines->items.back();
  if (open.node->is_array()) {
    open.node->push_back(std::move(value));
    return {&open.node->back(), lines};
  }
  has_key_ = false;
  // Bypasses ordered_map's insertion, which compares the key with every other; `keys` already rejects duplicates.
  ordered_json::object_t::Container& members = open.node->get_ref<ordered_json::object_t&>();
  members.emplace_back(open.last_key, std::move(value));
  return {&members.back().second, lines};
}

absl::Status FileTreeBuilder::Begin(ordered_json empty) {
  if (open_.size() >= kMaxFileDepth) {
    return Reject(absl::StrCat("more than ", kMaxFileDepth, " nested objects and lists"));
  }
  const absl::Status charged = Charge(1, 0);
  if (!charged.ok()) return charged;
  const Added added = Add(std::move(empty));
  open_.push_back({added.node, added.lines, {}, ""});
  return absl::OkStatus();
}

absl::Status FileTreeBuilder::BeginObject() { return Begin(ordered_json::object()); }

absl::Status FileTreeBuilder::BeginList() { return Begin(ordered_json::array()); }

void FileTreeBuilder::End() {
  last_ = open_.back().node;
  open_.pop_back();
}

absl::Status FileTreeBuilder::Key(absl::string_view key) {
  Open& open = open_.back();
  // An escape in YAML can produce half of a surrogate pair.
  if (!IsUtf8(key)) return Reject("a key is not valid UTF-8");
  const absl::Status charged = Charge(0, key.size());
  if (!charged.ok()) return charged;
  if (!open.keys.insert(std::string(key)).second) {
    open.last_key.clear();
    return Reject(absl::StrCat("duplicate key \"", Printable(key, kMaxShown), "\""));
  }
  open.last_key = std::string(key);
  key_line_ = line_;
  has_key_ = true;
  return absl::OkStatus();
}

absl::Status FileTreeBuilder::Value(ordered_json value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) return Reject("the number is not finite");
  size_t bytes = 0;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (!IsUtf8(text)) return Reject("the string is not valid UTF-8");
    bytes = text.size();
  }
  const absl::Status charged = Charge(1, bytes);
  if (!charged.ok()) return charged;
  last_ = Add(std::move(value)).node;
  return absl::OkStatus();
}

absl::Status FileTreeBuilder::Repeat(const Subtree& subtree) {
  if (open_.size() + subtree.height > kMaxFileDepth) {
    return Reject(absl::StrCat("more than ", kMaxFileDepth, " nested objects and lists"));
  }
  const absl::Status charged = Charge(subtree.nodes, subtree.bytes);
  if (!charged.ok()) return charged;
  last_ = Add(subtree.node).node;
  return absl::OkStatus();
}

absl::StatusOr<FileTreeBuilder::Subtree> FileTreeBuilder::CopyLast() {
  Subtree subtree;
  Measure(*last_, 0, subtree);
  const absl::Status charged = Charge(subtree.nodes, subtree.bytes);
  if (!charged.ok()) return charged;
  subtree.node = *last_;
  return subtree;
}

}  // namespace qconfig
