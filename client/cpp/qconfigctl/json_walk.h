// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_JSON_WALK_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_JSON_WALK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace qconfig::client {

// A value of a JSON document, or the end of an object. Strings are valid only during the call.
struct JsonValue {
  enum class Kind { kObject, kEndOfObject, kList, kString, kUnsigned, kOther } kind;
  absl::string_view text;  // of a string
  uint64_t number;         // an integer that is not negative
};

// Receives the values of a JSON document in order. An error stops the walk.
class JsonVisitor {
 public:
  // The keys of the objects around a value, the outermost first. Values in a list have the keys of the list.
  using Path = std::vector<std::string>;

  virtual ~JsonVisitor() = default;
  virtual absl::Status Visit(const Path& path, const JsonValue& value) = 0;
};

// Reads `text` without building a tree: only the keys of the objects around a value are in memory.
// kInvalidArgument: a syntax error, the root is not an object, a duplicate key, or more than 64 nested objects and
// lists; or the error of `visitor`.
absl::Status WalkJson(absl::string_view text, JsonVisitor& visitor);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_JSON_WALK_H_
