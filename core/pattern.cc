// SPDX-License-Identifier: Apache-2.0
#include "core/pattern.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/utf8.h"

namespace qconfig {
namespace {

// Matches all `items` with all `tokens`. First, the tokens after the last run must accept the last items. Then, if a
// token does not accept an item, only the last run before it needs to grow, by one item: earlier runs already have the
// shortest length that works.
template <typename Token, typename Item, typename IsRun, typename Accept>
bool MatchAll(const std::vector<Token>& tokens, const Item* items, size_t size, IsRun is_run, Accept accept) {
  size_t end = tokens.size();
  for (; end > 0 && !is_run(tokens[end - 1]); --end, --size) {
    if (size == 0 || !accept(tokens[end - 1], items[size - 1])) return false;
  }
  if (end == 0) return size == 0;
  constexpr size_t kNone = static_cast<size_t>(-1);
  size_t t = 0, i = 0, run = kNone, run_end = 0;
  while (true) {
    if (is_run(tokens[t])) {
      if (t + 1 == end) return true;
      run = t++;
      run_end = i;
    } else if (i < size && accept(tokens[t], items[i])) {
      ++t;
      ++i;
    } else if (i < size && run != kNone) {
      t = run + 1;
      i = ++run_end;
    } else {
      return false;
    }
  }
}

}  // namespace

Pattern::Pattern(absl::string_view text) {
  tokens_.reserve(text.size());
  bool can_close = true;  // whether a `]` can follow
  while (!text.empty()) {
    const char32_t c = TakeCodePoint(text);
    if (c == '*') {
      if (tokens_.empty() || tokens_.back().kind != Token::Kind::kAnyRun) tokens_.push_back({Token::Kind::kAnyRun, 0});
    } else if (c == '?') {
      tokens_.push_back({Token::Kind::kAnyOne, 0});
      is_bytewise_ = false;
    } else if (c == '[' && can_close) {
      // A `]` directly after the opening bracket (and `!`) belongs to the set. Without a closing `]`, `[` is a literal.
      size_t first = 0;
      if (first < text.size() && text[first] == '!') ++first;
      if (first < text.size() && text[first] == ']') ++first;
      const size_t close = text.find(']', first);
      if (close == absl::string_view::npos) {
        can_close = false;  // no later `[` has one either
        tokens_.push_back({Token::Kind::kLiteral, c});
      } else {
        AppendSet(text.substr(0, close));
        is_bytewise_ = false;
        text.remove_prefix(close + 1);
      }
    } else {
      constexpr char32_t kAsciiEnd = 0x80;
      tokens_.push_back({Token::Kind::kLiteral, c});
      is_bytewise_ &= c < kAsciiEnd;
    }
  }
}

// Splits the set into ranges like Python: a hyphen makes a range unless it is first, last, or less than two characters
// after the hyphen of another range. A range with its ends in the wrong order disappears with both ends, and the text
// on both sides of it becomes one chunk. Python processes ranges from last to first.
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
  const auto add_each = [this](const std::u32string& text) {
    for (const char32_t c : text) ranges_.emplace_back(c, c);
  };
  // The current chunk in reverse order, so that text before it can be appended.
  std::u32string reversed(chunks.back().rbegin(), chunks.back().rend());
  std::optional<size_t> range;  // between the current chunk and the next one
  for (size_t k = chunks.size() - 1; k > 0; --k) {
    const std::u32string& before = chunks[k - 1];
    if (before.back() > reversed.back()) {
      reversed.pop_back();
      reversed.append(before.rbegin() + 1, before.rend());
    } else {
      range = ranges_.size();
      ranges_.emplace_back(before.back(), reversed.back());
      add_each(reversed);
      reversed.assign(before.rbegin(), before.rend());
    }
  }
  const bool negated = !reversed.empty() && reversed.back() == '!';
  if (negated) reversed.pop_back();
  // The `!` of a negation does not begin a range, and so the hyphen after it stands for itself.
  if (negated && reversed.empty() && range.has_value()) ranges_[*range] = {U'-', U'-'};
  add_each(reversed);
  tokens_.push_back({negated ? Token::Kind::kNoneOf : Token::Kind::kOneOf, static_cast<uint32_t>(sets_.size())});
  sets_.push_back(static_cast<uint32_t>(ranges_.size()));
}

Pattern::Set Pattern::ParseSet(const Token& token) const {
  const size_t begin = token.value == 0 ? 0 : sets_[token.value - 1];
  return {ranges_.data() + begin, sets_[token.value] - begin};
}

bool Pattern::Accepts(const Token& token, char32_t c) const {
  if (token.kind == Token::Kind::kLiteral) return token.value == c;
  if (token.kind == Token::Kind::kAnyOne) return true;
  const Set set = ParseSet(token);
  const bool in_set =
      std::any_of(set.begin(), set.end(), [c](const Range& range) { return range.first <= c && c <= range.second; });
  return in_set == (token.kind == Token::Kind::kOneOf);
}

bool Pattern::Accepts(const Token& token, const Pattern& other, const Token& other_token) const {
  if (other_token.kind == Token::Kind::kAnyRun) return false;
  if (token.kind == Token::Kind::kAnyOne) return true;
  if (other_token.kind == Token::Kind::kLiteral) return Accepts(token, other_token.value);
  if (token.kind != other_token.kind || !IsSet(token)) return false;
  const Set set = ParseSet(token);
  const Set other_set = other.ParseSet(other_token);
  return std::equal(set.begin(), set.end(), other_set.begin(), other_set.end());
}

bool Pattern::Matches(const std::u32string& name) const {
  return MatchAll(
      tokens_, name.data(), name.size(), [](const Token& token) { return token.kind == Token::Kind::kAnyRun; },
      [this](const Token& token, char32_t c) { return Accepts(token, c); });
}

bool Pattern::Matches(absl::string_view name) const {
  const auto is_ascii = [](char c) { return static_cast<signed char>(c) >= 0; };
  if (!is_bytewise_ && !std::all_of(name.begin(), name.end(), is_ascii)) return Matches(DecodeUtf8(name));
  return MatchAll(
      tokens_, name.data(), name.size(), [](const Token& token) { return token.kind == Token::Kind::kAnyRun; },
      [this](const Token& token, char c) {
        const auto character = static_cast<char32_t>(c);
        return token.kind == Token::Kind::kLiteral ? token.value == character : Accepts(token, character);
      });
}

bool Pattern::Covers(const Pattern& other, size_t& steps) const {
  return MatchAll(
      tokens_, other.tokens_.data(), other.tokens_.size(),
      [](const Token& token) { return token.kind == Token::Kind::kAnyRun; },
      [&](const Token& token, const Token& other_token) {
        steps += 1 + SizeOfSet(token) + other.SizeOfSet(other_token);
        return Accepts(token, other, other_token);
      });
}

bool Pattern::MayAgree(const Token& token, const Pattern& other, const Token& other_token) const {
  if (token.kind == Token::Kind::kLiteral) return other.Accepts(other_token, token.value);
  return other_token.kind != Token::Kind::kLiteral || Accepts(token, other_token.value);
}

bool Pattern::MayOverlap(const Pattern& other, size_t& steps) const {
  const auto may_overlap = [&](auto token, const auto& end, auto other_token, const auto& other_end) {
    for (; token != end && other_token != other_end; ++token, ++other_token) {
      steps += 1 + SizeOfSet(*token) + other.SizeOfSet(*other_token);
      if (token->kind == Token::Kind::kAnyRun || other_token->kind == Token::Kind::kAnyRun) break;
      if (!MayAgree(*token, other, *other_token)) return false;
    }
    return true;
  };
  return may_overlap(tokens_.begin(), tokens_.end(), other.tokens_.begin(), other.tokens_.end()) &&
         may_overlap(tokens_.rbegin(), tokens_.rend(), other.tokens_.rbegin(), other.tokens_.rend());
}

}  // namespace qconfig
