// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_FILES_FILE_TREE_H_
#define QCONFIG_SERVER_BASE_FILES_FILE_TREE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {

inline constexpr size_t kMaxFileBytes = 4u << 20;  // the server's limit for a message
inline constexpr size_t kMaxFileDepth = 64;        // nested objects and lists
inline constexpr size_t kMaxFileNodes = 100'000;   // objects, lists and values, including those that aliases repeat

// Where a value is: the line of its key, or of its beginning if it has no key. The items of an object or a list are in
// the order of the tree. A value that a YAML alias repeats has no items.
struct FileLines {
  int line = 1;
  std::vector<FileLines> items;
};

struct FileTree {
  nlohmann::ordered_json root;  // keeps the order of keys
  FileLines lines;              // of `root`
  std::string path;             // of `root` in the file, such as "quantization_config"; empty for the whole file
};

// Parse JSON (RFC 8259, and comments as in C++) or YAML (1.2, core schema).
// kInvalidArgument, with the line: a syntax error, a duplicate key, a key that is not a string, a number that is not
// finite, more than one document, a tag outside the core types, or more than the limits above.
// REQUIRES: `text` is UTF-8.
absl::StatusOr<FileTree> ParseStrictJson(absl::string_view text);
absl::StatusOr<FileTree> ParseStrictYaml(const std::string& text);

// Builds a tree from the events of a parser. After a call has failed, the builder must not be used again.
// Not thread-safe.
class FileTreeBuilder {
 public:
  // A copy of a node, which an alias may repeat.
  struct Subtree {
    nlohmann::ordered_json node;
    size_t height = 0;  // nested objects and lists
    size_t nodes = 0;
    size_t bytes = 0;  // of keys and strings
  };

  absl::Status BeginObject();
  absl::Status BeginList();
  // REQUIRES: inside an object.
  absl::Status Key(absl::string_view key);
  absl::Status Value(nlohmann::ordered_json value);
  absl::Status Repeat(const Subtree& subtree);
  void End();

  // Returns a copy of the last completed value. The copy counts towards the limits.
  absl::StatusOr<Subtree> CopyLast();

  // Sets the line of the next key or value.
  void SetLine(int line) { line_ = line; }

  // Whether a key must come next.
  bool WantsKey() const { return !open_.empty() && open_.back().node->is_object() && !has_key_; }

  FileTree Take() { return {std::move(root_), std::move(lines_), ""}; }

 private:
  struct Open {
    nlohmann::ordered_json* node;
    FileLines* lines;
    absl::flat_hash_set<std::string> keys;
    std::string last_key;
  };

  struct Added {
    nlohmann::ordered_json* node;
    FileLines* lines;
  };

  // Returns the addresses of the value and its lines in the trees.
  Added Add(nlohmann::ordered_json value);
  absl::Status Begin(nlohmann::ordered_json empty);
  absl::Status Charge(size_t nodes, size_t bytes);
  absl::Status Reject(absl::string_view what) const;

  nlohmann::ordered_json root_;
  FileLines lines_;
  int line_ = 1;
  int key_line_ = 1;
  std::vector<Open> open_;
  nlohmann::ordered_json* last_ = nullptr;
  bool has_key_ = false;
  size_t nodes_ = 0;
  size_t bytes_ = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_FILES_FILE_TREE_H_
