// SPDX-License-Identifier: Apache-2.0
#include "server/base/files/json_mistake.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

constexpr size_t kMaxShown = 60;

bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }
bool IsWordByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The last byte before `end` that is not white space; 0 if there is none.
char Before(absl::string_view text, size_t end) {
  while (end > 0 && IsSpace(text[end - 1])) --end;
  return end == 0 ? '\0' : text[end - 1];
}

char After(absl::string_view text, size_t begin) {
  while (begin < text.size() && IsSpace(text[begin])) ++begin;
  return begin == text.size() ? '\0' : text[begin];
}

// Where the token that ends at `last` begins: a string, a word or number, or a single byte.
size_t BeginOfToken(absl::string_view text, size_t last) {
  size_t begin = last;
  if (text[last] == '"') {
    while (begin > 0 && (text[begin - 1] != '"' || (begin > 1 && text[begin - 2] == '\\'))) --begin;
    return begin == 0 ? last : begin - 1;
  }
  while (begin > 0 && IsWordByte(text[begin]) && IsWordByte(text[begin - 1])) --begin;
  return begin;
}

// What JSON has for a word of Python or JavaScript; empty for other words.
std::string JsonWord(absl::string_view word) {
  constexpr std::pair<absl::string_view, absl::string_view> kWords[] = {
      {"True", "true"}, {"False", "false"}, {"None", "null"}, {"undefined", "null"}};
  for (const auto& [other, json] : kWords) {
    if (word == other) return std::string(json);
  }
  return "";
}

std::string Mistake(absl::string_view text, size_t position, absl::string_view what) {
  const auto lines = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n');
  return absl::StrCat("line ", lines + 1, ": ", what);
}

std::string WordMistake(absl::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && IsWordByte(text[end])) ++end;
  const absl::string_view word = text.substr(begin, end - begin);
  const std::string json = JsonWord(word);
  if (!json.empty()) return absl::StrCat("JSON has ", json, ", not ", word);
  if (word == "NaN" || word == "nan" || word == "Infinity" || word == "inf") {
    return absl::StrCat("JSON has no ", word);
  }
  const bool is_key = After(text, end) == ':';
  return absl::StrCat(is_key ? "the key " : "the string ", Printable(word, kMaxShown), " needs double quotes");
}

}  // namespace

std::string JsonMistake(absl::string_view text, size_t position, absl::string_view error) {
  if (position >= text.size()) return "";
  if (absl::StrContains(error, "unexpected end of input")) return "";
  if (absl::StrContains(error, "control character U+000A") || absl::StrContains(error, "control character U+000D")) {
    return Mistake(text, position, "a string does not end; add the closing double quote");
  }
  if (absl::StrContains(error, "invalid string")) return "";
  const size_t begin = BeginOfToken(text, position);
  const char first = text[begin];
  const char before = Before(text, begin);
  if (before == ',' && (first == '}' || first == ']')) {
    return Mistake(text, begin, absl::StrCat("trailing comma; remove the comma before ", std::string(1, first)));
  }
  if (first == '\'') return Mistake(text, begin, "JSON has double quotes, not single quotes");
  if (first == '#') return Mistake(text, begin, "a comment begins with //, not with #");
  const bool wants_comma = absl::StrContains(error, "expected '}'") || absl::StrContains(error, "expected ']'");
  if (wants_comma && before != '\0' && before != ',' && (first == '"' || first == '{' || first == '[')) {
    const absl::string_view token = text.substr(begin, position + 1 - begin);
    return Mistake(text, begin, absl::StrCat("missing comma before ", Printable(token, kMaxShown)));
  }
  if (absl::ascii_isalpha(static_cast<unsigned char>(first)) || first == '_') {
    if (wants_comma && before != ',' && before != ':') return "";
    return Mistake(text, begin, WordMistake(text, begin));
  }
  return "";
}

}  // namespace qconfig
