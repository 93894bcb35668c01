// SPDX-License-Identifier: Apache-2.0
#include "core/pattern.h"

#include <algorithm>
#include <utility>

#include "core/utf8.h"

namespace qconfig {
namespace {

// Matches `items` against `tokens` as a whole. When a token does not accept an item, only the last run before it can
// give way, by one item more: earlier runs already took the shortest stretch that works.
template <typename Token, typename Item, typename IsRun, typename Accept>
bool MatchAll(const std::vector<Token>& tokens, const Item* items, size_t size, IsRun is_run, Accept accept) {
  constexpr size_t kNone = static_cast<size_t>(-1);
  size_t t = 0, i = 0, run = kNone, run_end = 0;
  while (i < size) {
    if (t < tokens.size() && is_run(tokens[t])) {
      run = t++;
      run_end = i;
    } else if (t < tokens.size() && accept(tokens[t], items[i])) {
      ++t;
      ++i;
    } else if (run != kNone) {
      t = run + 1;
      i = ++run_end;
    } else {
      return false;
    }
  }
  while (t < tokens.size() && is_run(tokens[t])) ++t;
  return t == tokens.size();
}

}  // namespace

Pattern::Pattern(absl::string_view text) : has_wildcard_(text.find_first_of("*?[") != absl::string_view::npos) {
  while (!text.empty()) {
    const char32_t c = TakeCodePoint(text);
    if (c == '*') {
      if (tokens_.empty() || tokens_.back().kind != Token::Kind::kAnyRun)
        tokens_.push_back({Token::Kind::kAnyRun, 0, {}});
    } else if (c == '?') {
      tokens_.push_back({Token::Kind::kNoneOf, 0, {}});
    } else if (c == '[') {
      // A `]` right after the opening (and `!`) belongs to the set. Without a closing one, `[` stands for itself.
      size_t first = 0;
      if (first < text.size() && text[first] == '!') ++first;
      if (first < text.size() && text[first] == ']') ++first;
      const size_t close = text.find(']', first);
      if (close == absl::string_view::npos) {
        tokens_.push_back({Token::Kind::kLiteral, '[', {}});
      } else {
        AppendSet(text.substr(0, close));
        text.remove_prefix(close + 1);
      }
    } else {
      tokens_.push_back({Token::Kind::kLiteral, c, {}});
    }
  }
}

// Cuts the set into ranges where Python cuts it: a hyphen makes a range unless it comes first, last, or sooner than two
// characters after another range's hyphen. Ranges whose ends are in the wrong order vanish.
void Pattern::AppendSet(absl::string_view set) {
  const std::u32string chars = DecodeUtf8(set);
  std::vector<std::u32string> chunks;  // the last character of a chunk and the first of the next one make a range
  size_t begin = 0;
  size_t hyphen = chars.front() == '!' ? 2 : 1;
  while (hyphen < chars.size() && (hyphen = chars.find('-', hyphen)) != std::u32string::npos) {
    chunks.push_back(chars.substr(begin, hyphen - begin));
    begin = hyphen + 1;
    hyphen += 3;
  }
  if (begin < chars.size() || chunks.empty()) {
    chunks.push_back(chars.substr(begin));
  } else {
    chunks.back().push_back('-');
  }
  for (size_t k = chunks.size() - 1; k > 0; --k) {
    if (chunks[k - 1].back() > chunks[k].front()) {
      chunks[k - 1].pop_back();
      chunks[k - 1].append(chunks[k], 1);
      chunks.erase(chunks.begin() + static_cast<std::ptrdiff_t>(k));
    }
  }
  Token token{Token::Kind::kOneOf, 0, {}};
  if (!chunks.front().empty() && chunks.front().front() == '!') {
    token.kind = Token::Kind::kNoneOf;
    chunks.front().erase(0, 1);
  }
  for (size_t k = 0; k < chunks.size(); ++k) {
    for (const char32_t c : chunks[k]) token.ranges.emplace_back(c, c);
    if (k > 0) token.ranges.emplace_back(chunks[k - 1].back(), chunks[k].front());
  }
  tokens_.push_back(std::move(token));
}

bool Pattern::Accepts(const Token& token, char32_t c) {
  if (token.kind == Token::Kind::kLiteral) return token.literal == c;
  const bool in_set = std::any_of(token.ranges.begin(), token.ranges.end(),
                                  [c](const Range& range) { return range.first <= c && c <= range.second; });
  return in_set == (token.kind == Token::Kind::kOneOf);
}

bool Pattern::Accepts(const Token& token, const Token& other) {
  if (other.kind == Token::Kind::kAnyRun) return false;
  if (other.kind == Token::Kind::kLiteral) return Accepts(token, other.literal);
  if (token.kind == Token::Kind::kLiteral) return false;
  const bool accepts_all = token.kind == Token::Kind::kNoneOf && token.ranges.empty();
  return accepts_all || (token.kind == other.kind && token.ranges == other.ranges);
}

bool Pattern::Matches(const std::u32string& name) const {
  return MatchAll(
      tokens_, name.data(), name.size(), [](const Token& token) { return token.kind == Token::Kind::kAnyRun; },
      [](const Token& token, char32_t c) { return Accepts(token, c); });
}

bool Pattern::Matches(absl::string_view name) const { return Matches(DecodeUtf8(name)); }

bool Pattern::Covers(const Pattern& other, size_t& steps) const {
  return MatchAll(
      tokens_, other.tokens_.data(), other.tokens_.size(),
      [](const Token& token) { return token.kind == Token::Kind::kAnyRun; },
      [&steps](const Token& token, const Token& item) {
        steps += 1 + token.ranges.size() + item.ranges.size();
        return Accepts(token, item);
      });
}

}  // namespace qconfig
