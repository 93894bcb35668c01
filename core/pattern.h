// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PATTERN_H_
#define QCONFIG_CORE_PATTERN_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig {

// A layer-name pattern, with the meaning that Python's `fnmatch.fnmatchcase` gives it: `*`, `?`, `[seq]`, `[!seq]`,
// character by character of Unicode, over the whole name. Every text is a valid pattern.
// Immutable.
class Pattern {
 public:
  explicit Pattern(absl::string_view text);

  // Takes at most |pattern| x |name| steps.
  bool Matches(const std::u32string& name) const;
  bool Matches(absl::string_view name) const;

  // true: every name that `other` matches is matched by this pattern too. false: that is so for some name only, or it
  // could not be told by comparing the two token by token. Adds to `steps` what that took.
  bool Covers(const Pattern& other, size_t& steps) const;

  // Whether the text has a wildcard character, even one that stands for itself, such as an unclosed `[`.
  // This is how Quark tells patterns from literal layer names.
  bool has_wildcard() const { return has_wildcard_; }

 private:
  using Range = std::pair<char32_t, char32_t>;
  struct Token {
    enum class Kind { kLiteral, kAnyRun, kOneOf, kNoneOf };
    Kind kind;
    char32_t literal = 0;
    std::vector<Range> ranges;  // of kOneOf and kNoneOf; `?` is kNoneOf of nothing
  };

  void AppendSet(absl::string_view set);
  static bool Accepts(const Token& token, char32_t c);
  static bool Accepts(const Token& token, const Token& other);

  std::vector<Token> tokens_;
  bool has_wildcard_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_PATTERN_H_
