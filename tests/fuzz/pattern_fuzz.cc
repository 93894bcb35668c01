// SPDX-License-Identifier: Apache-2.0
//
// Layer-name patterns, compared with a direct translation of Python's fnmatch.
// Input: patterns, an empty line, and names, one in each line.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "core/cancellation.h"
#include "core/pattern.h"
#include "core/pattern_list.h"
#include "core/plan/pattern_index.h"
#include "core/regex_glob.h"
#include "core/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace qconfig {
namespace {

constexpr size_t kMaxTexts = 6;
constexpr size_t kMaxSteps = 100'000;  // that a comparison of two patterns may take

// Whether `c` is in the set `pattern[from, to)`, the text between the brackets. The variables are those of
// fnmatch.translate().
bool SetAccepts(const std::u32string& pattern, size_t from, size_t to, char32_t c) {
  const std::u32string stuff = pattern.substr(from, to - from);
  std::vector<std::u32string> chunks;
  size_t i = 0;
  for (size_t k = stuff.find(U'-', stuff[0] == U'!' ? 2 : 1); k < stuff.size(); k = stuff.find(U'-', k + 3)) {
    chunks.push_back(stuff.substr(i, k - i));
    i = k + 1;
  }
  if (i < stuff.size() || chunks.empty()) {
    chunks.push_back(stuff.substr(i));
  } else {
    chunks.back() += U'-';
  }
  for (size_t k = chunks.size() - 1; k > 0; --k) {
    if (chunks[k - 1].back() > chunks[k].front()) {
      chunks[k - 1] = chunks[k - 1].substr(0, chunks[k - 1].size() - 1) + chunks[k].substr(1);
      chunks.erase(chunks.begin() + static_cast<std::ptrdiff_t>(k));
    }
  }
  const bool negated = !chunks[0].empty() && chunks[0][0] == U'!';
  if (negated) chunks[0].erase(0, 1);
  // Without its first character the set can begin with a hyphen, which then stands for itself.
  const bool begins_with_hyphen = chunks[0].empty() && chunks.size() > 1;
  bool found = begins_with_hyphen && c == U'-';
  for (size_t k = 0; k < chunks.size(); ++k) {
    found = found || chunks[k].find(c) != std::u32string::npos;
    if (k > (begins_with_hyphen ? 1 : 0)) found = found || (chunks[k - 1].back() <= c && c <= chunks[k].front());
  }
  return found != negated;
}

// fnmatch.fnmatchcase().
bool NaiveMatch(const std::u32string& pattern, const std::u32string& name) {
  std::vector<bool> reached(name.size() + 1, false);  // the ends of the beginnings of `name` that match so far
  reached[0] = true;
  for (size_t i = 0; i < pattern.size();) {
    std::vector<bool> next(name.size() + 1, false);
    size_t end = i + 1;
    size_t close = i + 1;  // of a set
    if (pattern[i] == U'[') {
      if (close < pattern.size() && pattern[close] == U'!') ++close;
      if (close < pattern.size() && pattern[close] == U']') ++close;
      while (close < pattern.size() && pattern[close] != U']') ++close;
    }
    const bool is_set = pattern[i] == U'[' && close < pattern.size();
    if (is_set) end = close + 1;
    for (size_t n = 0; n <= name.size(); ++n) {
      if (pattern[i] == U'*') {
        next[n] = reached[n] || (n > 0 && next[n - 1]);
      } else if (n > 0 && reached[n - 1]) {
        const char32_t c = name[n - 1];
        next[n] = is_set ? SetAccepts(pattern, i + 1, close, c) : pattern[i] == U'?' || pattern[i] == c;
      }
    }
    reached = std::move(next);
    i = end;
  }
  return reached[name.size()];
}

std::vector<absl::string_view> Lines(absl::string_view text) {
  std::vector<absl::string_view> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    // Names and patterns are text of messages, which is always UTF-8.
    if (lines.size() < kMaxTexts && IsPrintable(line)) lines.push_back(line);
  }
  return lines;
}

// Patterns and names, and which patterns match which names.
class Case {
 public:
  Case(std::vector<absl::string_view> patterns, std::vector<absl::string_view> names)
      : texts_(std::move(patterns)), names_(std::move(names)), compiled_(texts_.begin(), texts_.end()) {
    for (const absl::string_view pattern : texts_) list_.Add(pattern);
    std::vector<std::u32string> decoded;
    for (const absl::string_view pattern : texts_) decoded.push_back(DecodeUtf8(pattern));
    for (const absl::string_view name : names_) {
      auto& matches = matches_.emplace_back();
      const std::u32string decoded_name = DecodeUtf8(name);
      for (const std::u32string& pattern : decoded) matches.push_back(NaiveMatch(pattern, decoded_name));
    }
  }

  void CheckMatches() const {
    const PatternIndex index(texts_, absl::MakeConstSpan(names_).subspan(names_.size() / 2));
    CancellationToken token;
    std::vector<uint32_t> expected, found;
    for (size_t n = 0; n < names_.size(); ++n) {
      const std::u32string decoded = DecodeUtf8(names_[n]);
      expected.clear();
      for (size_t p = 0; p < texts_.size(); ++p) {
        FUZZ_CHECK(compiled_[p].Matches(decoded) == matches_[n][p], absl::StrCat(texts_[p], " on ", names_[n]));
        FUZZ_CHECK(compiled_[p].Matches(names_[n]) == matches_[n][p], absl::StrCat(texts_[p], " on ", names_[n]));
        if (matches_[n][p]) expected.push_back(static_cast<uint32_t>(p));
      }
      FUZZ_CHECK(index.FindMatches(names_[n], token, found).ok() && found == expected, names_[n]);
      const auto winner = list_.Winner(decoded, token);
      FUZZ_CHECK(winner.ok() && winner->has_value() == !expected.empty(), names_[n]);
      FUZZ_CHECK(expected.empty() || **winner == expected.front(), names_[n]);
    }
  }

  void CheckPairs() const {
    for (size_t a = 0; a < texts_.size(); ++a) {
      for (size_t b = 0; b < texts_.size(); ++b) {
        size_t steps = 0;
        const bool covers = compiled_[a].Covers(compiled_[b], steps);
        const bool may_overlap = compiled_[a].MayOverlap(compiled_[b], steps);
        FUZZ_CHECK(steps < kMaxSteps, absl::StrCat(steps, " steps"));
        for (const std::vector<bool>& matches : matches_) {
          FUZZ_CHECK(!covers || !matches[b] || matches[a], absl::StrCat(texts_[a], " covers ", texts_[b]));
          FUZZ_CHECK(may_overlap || !matches[a] || !matches[b],
                     absl::StrCat(texts_[a], " does not overlap ", texts_[b]));
        }
      }
    }
  }

 private:
  const std::vector<absl::string_view> texts_;
  const std::vector<absl::string_view> names_;
  const std::vector<Pattern> compiled_;
  PatternList list_;
  std::vector<std::vector<bool>> matches_;  // by name and pattern
};

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  absl::string_view text = fuzz::AsText(data, size);
  const std::vector<absl::string_view> patterns = Lines(fuzz::TakeUntil("\n\n", text));
  const Case fuzzed(patterns, Lines(text));
  fuzzed.CheckMatches();
  fuzzed.CheckPairs();
  for (const absl::string_view pattern : patterns) {
    (void)LooksLikeRegex(pattern);
    FUZZ_CHECK(GlobsOfRegex(pattern).globs.size() <= 8, pattern);
  }
  return 0;
}
