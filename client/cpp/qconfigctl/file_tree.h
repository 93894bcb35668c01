// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_FILE_TREE_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_FILE_TREE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig::client {

inline constexpr size_t kMaxFileBytes = 4u << 20;  // a server takes no larger message
inline constexpr size_t kMaxFileDepth = 64;        // objects and lists in each other
inline constexpr size_t kMaxFileNodes = 100'000;   // objects, lists and values, with what aliases repeat

// Reads JSON (RFC 8259) or YAML (1.2, core schema) strictly into a tree that keeps the order of keys. kInvalidArgument,
// with line and column or the path, for everything that those do not allow, and for: a key given twice, a number that
// is not finite, more than one document, a key that is not a string, a tag of no core type, and what passes the limits
// above. REQUIRES: `text` is UTF-8 without control characters (EntryText has checked that).
absl::StatusOr<nlohmann::ordered_json> ParseStrictJson(absl::string_view text);
absl::StatusOr<nlohmann::ordered_json> ParseStrictYaml(const std::string& text);

// Builds such a tree from what a parser meets, in order. A call that fails makes the tree useless.
// Not thread-safe.
class FileTreeBuilder {
 public:
  // A node that an alias may repeat.
  struct Subtree {
    nlohmann::ordered_json node;
    size_t height = 0;  // objects and lists in each other
    size_t nodes = 0;
    size_t bytes = 0;  // of keys and strings
  };

  absl::Status BeginObject();
  absl::Status BeginList();
  // REQUIRES: inside an object.
  absl::Status Key(absl::string_view key);
  absl::Status Value(nlohmann::ordered_json value);
  absl::Status Repeat(const Subtree& subtree);
  absl::Status End();

  // A copy of the value that was completed last. It counts as much as if it were repeated.
  absl::StatusOr<Subtree> CopyLast();

  // Whether the next thing inside an object must be a key.
  bool WantsKey() const { return !open_.empty() && open_.back().node->is_object() && !has_key_; }

  nlohmann::ordered_json Take() { return std::move(root_); }

 private:
  struct Open {
    nlohmann::ordered_json* node;
    absl::flat_hash_set<std::string> keys;
    std::string last_key;
  };

  absl::StatusOr<nlohmann::ordered_json*> Add(nlohmann::ordered_json value);
  absl::Status Begin(nlohmann::ordered_json empty);
  absl::Status Charge(size_t nodes, size_t bytes);
  absl::Status Refuse(absl::string_view what) const;

  nlohmann::ordered_json root_;
  std::vector<Open> open_;
  nlohmann::ordered_json* last_ = nullptr;
  bool has_key_ = false;
  size_t nodes_ = 0;
  size_t bytes_ = 0;
};

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_FILE_TREE_H_
