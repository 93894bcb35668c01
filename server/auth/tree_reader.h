// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_TREE_READER_H_
#define QCONFIG_SERVER_AUTH_TREE_READER_H_

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/faults.h"
#include "server/base/files/file_tree.h"

namespace qconfig {

// A value in the tree of a file, and where it is.
struct TreeValue {
  const nlohmann::ordered_json* json;
  const FileLines* lines;
  int line;          // differs from that of `lines` in a value that an alias repeats
  std::string path;  // "principals.farm.tokens[0]"; empty for the whole file
};

// Reads a file's tree, and collects what is wrong with it. Values that are wrong read as if they were absent.
// Not thread-safe.
class TreeReader {
 public:
  // `tree` must outlive the reader.
  explicit TreeReader(const FileTree& tree);

  const TreeValue& root() const { return root_; }
  const Faults& faults() const { return faults_; }

  // `problem` may quote the file: characters that are not printable are escaped.
  void Fault(const TreeValue& value, absl::string_view problem);

  // The member `key` of `object`; nullopt if it is absent or null.
  std::optional<TreeValue> Find(const TreeValue& object, absl::string_view key) const;
  // The same for a required member. Fault: it is absent.
  std::optional<TreeValue> Require(const TreeValue& object, absl::string_view key);

  // Whether `value` is an object. Fault: it is not, or it has keys that are not in `keys`.
  bool IsObject(const TreeValue& value, const std::vector<absl::string_view>& keys);
  // Calls `read` with each member of an object, whose keys can be anything, or each item of a list.
  void ForEachMember(const TreeValue& object,
                     const std::function<void(const std::string& key, const TreeValue&)>& read);
  void ForEachItem(const TreeValue& list, const std::function<void(const TreeValue&)>& read);

  // A string that is not empty. Fault: `value` is something else.
  std::optional<std::string> String(const TreeValue& value);
  // The string `key` of `object`. Fault: it is absent, or no such string.
  std::optional<std::string> RequireString(const TreeValue& object, absl::string_view key);
  std::optional<int64_t> Integer(const TreeValue& value, int64_t least, int64_t most);
  std::optional<bool> Bool(const TreeValue& value);

 private:
  TreeValue Child(const TreeValue& parent, size_t index, const std::string& path) const;

  const TreeValue root_;
  Faults faults_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_TREE_READER_H_
