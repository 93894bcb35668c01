// SPDX-License-Identifier: Apache-2.0
#include "core/regex_glob.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace qconfig {
namespace {

constexpr absl::string_view kPrefix = "re:";

using Globs = std::vector<std::string>;

// Every way to append one of `ends` to one of `starts`. Nullopt if there are too many.
std::optional<Globs> Concatenate(Globs starts, const Globs& ends) {
  constexpr size_t kMaxGlobs = 8;
  if (starts.size() * ends.size() > kMaxGlobs) return std::nullopt;
  const auto append = [](const std::string& end, std::string& glob) {
    const bool repeats_star = absl::EndsWith(glob, "*") && absl::StartsWith(end, "*");
    glob.append(end, repeats_star ? 1 : 0, std::string::npos);
  };
  // Without copies, so that a long expression takes linear time.
  if (ends.size() == 1) {
    for (std::string& start : starts) append(ends.front(), start);
    return starts;
  }
  Globs all;
  for (const std::string& start : starts) {
    for (const std::string& end : ends) append(end, all.emplace_back(start));
  }
  return all;
}

// A recursive descent over the expression. Every function consumes what it reads, and returns nullopt for syntax that
// has no glob.
class RegexReader {
 public:
  explicit RegexReader(absl::string_view regex) : rest_(regex) {}

  RegexGlobs Read() {
    absl::ConsumePrefix(&rest_, "^");
    if (!absl::EndsWith(rest_, "\\$")) absl::ConsumeSuffix(&rest_, "$");
    const std::optional<Globs> globs = ReadAlternatives(0);
    if (!globs.has_value() || !rest_.empty()) return {};
    return {*globs, exact_};
  }

 private:
  struct Atom {
    Globs globs;
    bool is_class = false;  // matches one character of several
    bool is_dot = false;    // matches any character
  };

  // alternatives = sequence {"|" sequence}
  std::optional<Globs> ReadAlternatives(int depth) {
    constexpr int kMaxDepth = 4;
    if (depth > kMaxDepth) return std::nullopt;
    Globs all;
    do {
      const std::optional<Globs> globs = ReadSequence(depth);
      if (!globs.has_value()) return std::nullopt;
      all.insert(all.end(), globs->begin(), globs->end());
    } while (absl::ConsumePrefix(&rest_, "|"));
    return Concatenate({""}, all);
  }

  // sequence = {atom [quantifier]}
  std::optional<Globs> ReadSequence(int depth) {
    std::optional<Globs> globs = Globs{""};
    // Users also escape the dots of a glob. Then its first character may be a star.
    if (absl::ConsumePrefix(&rest_, "*")) globs = Globs{"*"};
    while (globs.has_value() && !rest_.empty() && rest_[0] != '|' && rest_[0] != ')') {
      std::optional<Atom> atom = ReadAtom(depth);
      if (!atom.has_value() || !Quantify(*atom)) return std::nullopt;
      globs = Concatenate(*std::move(globs), atom->globs);
    }
    return globs;
  }

  std::optional<Atom> ReadAtom(int depth) {
    if (absl::ConsumePrefix(&rest_, "(")) return ReadGroup(depth);
    if (absl::ConsumePrefix(&rest_, "[")) return ReadSet();
    if (absl::ConsumePrefix(&rest_, "\\")) return ReadEscape();
    const char c = rest_[0];
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && !absl::StrContains("._-/", c)) return std::nullopt;
    rest_.remove_prefix(1);
    return Atom{{std::string(1, c)}, c == '.', c == '.'};
  }

  std::optional<Atom> ReadGroup(int depth) {
    absl::ConsumePrefix(&rest_, "?:");
    std::optional<Globs> globs = ReadAlternatives(depth + 1);
    if (!globs.has_value() || !absl::ConsumePrefix(&rest_, ")")) return std::nullopt;
    return Atom{*std::move(globs)};
  }

  std::optional<Atom> ReadSet() {
    const size_t end = rest_.find(']');
    if (end == absl::string_view::npos || end == 0) return std::nullopt;
    absl::string_view set = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    const bool negated = absl::ConsumePrefix(&set, "^");
    if (set.empty() || set[0] == '!' || set.find_first_of("\\[") != absl::string_view::npos) return std::nullopt;
    return Atom{{absl::StrCat("[", negated ? "!" : "", set, "]")}, true};
  }

  std::optional<Atom> ReadEscape() {
    if (rest_.empty()) return std::nullopt;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    if (c == 'd') return Atom{{"[0-9]"}, true};
    if (c == 'w' || c == 'S') {
      exact_ = false;
      return Atom{{"?"}, true};
    }
    if (!absl::StrContains("._-/", c)) return std::nullopt;
    return Atom{{std::string(1, c)}};
  }

  // Applies the quantifier that follows `atom`, if there is one. Returns false if it has no glob.
  bool Quantify(Atom& atom) {
    if (rest_.empty() || !absl::StrContains("*+?{", rest_[0])) return true;
    const char quantifier = rest_[0];
    rest_.remove_prefix(1);
    if (!atom.is_class || quantifier == '?' || quantifier == '{') return false;
    absl::ConsumePrefix(&rest_, "?");  // as few characters as possible, which makes no difference for whole names
    exact_ = exact_ && atom.is_dot && quantifier == '*';
    atom.globs = {"*"};
    return true;
  }

  absl::string_view rest_;
  bool exact_ = true;
};

}  // namespace

bool LooksLikeRegex(absl::string_view pattern) {
  return absl::StartsWith(pattern, kPrefix) || absl::StartsWith(pattern, ".*") ||
         pattern.find_first_of("\\^$()|+{}") != absl::string_view::npos;
}

RegexGlobs GlobsOfRegex(absl::string_view regex) {
  absl::ConsumePrefix(&regex, kPrefix);
  return RegexReader(regex).Read();
}

}  // namespace qconfig
