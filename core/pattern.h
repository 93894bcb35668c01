// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PATTERN_H_
#define QCONFIG_CORE_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig {

// A layer-name pattern with the meaning of Python's `fnmatch.fnmatchcase`: `*`, `?`, `[seq]` and `[!seq]` on Unicode
// characters, and the whole name must match. Every text is a valid pattern.
// Immutable.
class Pattern {
 public:
  explicit Pattern(absl::string_view text);

  // Takes at most |pattern| x |name| steps.
  bool Matches(const std::u32string& name) const;
  bool Matches(absl::string_view name) const;

  // true: this pattern matches every name that `other` matches. false: it does not, or comparing the two token by token
  // cannot decide it. Adds the steps of the comparison to `steps`.
  bool Covers(const Pattern& other, size_t& steps) const;

  // false: no name matches both patterns. true: comparing their beginnings and ends cannot rule it out. Adds the steps
  // of the comparison to `steps`.
  bool MayOverlap(const Pattern& other, size_t& steps) const;

  // Whether `text` has a wildcard character, even a literal one such as an unclosed `[`. Quark uses this rule to
  // distinguish patterns from layer names.
  static bool HasWildcard(absl::string_view text) { return text.find_first_of("*?[") != absl::string_view::npos; }

 private:
  using Range = std::pair<char32_t, char32_t>;
  // Small, because a request may have megabytes of patterns.
  struct Token {
    enum class Kind : uint32_t { kLiteral, kAnyRun, kAnyOne, kOneOf, kNoneOf };
    Kind kind;
    uint32_t value;  // the character of kLiteral; the index in `sets_` of kOneOf and kNoneOf
  };

  // Whether there may be a character that both `token` and `other_token` of `other` accept.
  bool MayAgree(const Token& token, const Pattern& other, const Token& other_token) const;
  void AppendSet(absl::string_view set);
  bool Accepts(const Token& token, char32_t c) const;
  // Whether `token` accepts every character that `other_token` of `other` does.
  bool Accepts(const Token& token, const Pattern& other, const Token& other_token) const;

  // The ranges of one set.
  struct Set {
    const Range* begin() const { return ranges; }
    const Range* end() const { return ranges + size; }

    const Range* ranges;
    size_t size;
  };
  // REQUIRES: `token` is kOneOf or kNoneOf.
  Set ParseSet(const Token& token) const;
  static bool IsSet(const Token& token) {
    return token.kind == Token::Kind::kOneOf || token.kind == Token::Kind::kNoneOf;
  }
  size_t SizeOfSet(const Token& token) const { return IsSet(token) ? ParseSet(token).size : 0; }

  std::vector<Token> tokens_;
  std::vector<uint32_t> sets_;  // the end of each set in `ranges_`
  std::vector<Range> ranges_;   // of all sets, concatenated
  bool is_bytewise_ = true;     // whether it can be matched against the bytes of any UTF-8 text
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_PATTERN_H_
