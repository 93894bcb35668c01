// SPDX-License-Identifier: Apache-2.0
#include "core/names/similar_names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <tuple>

#include "absl/numeric/bits.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "core/names/edit_distance.h"
#include "core/names/name_words.h"
#include "core/names/number_formats.h"

namespace qconfig {
namespace {

constexpr size_t kMaxChecked = 32;  // the best names whose numbers are compared
constexpr size_t kMaxWordChecks = 50;
constexpr size_t kMinPrefix = 2;

// How a name is similar, best first.
enum Likeness : uint8_t { kSame, kLonger, kSameWords, kMisspelled, kShorter, kDifferent };

struct Hit {
  Likeness likeness;
  size_t distance;  // kMisspelled: edits; kLonger, kSameWords: additional bytes; kShorter: missing bytes
  size_t common_prefix;
  size_t index;
};

size_t CommonPrefix(absl::string_view a, absl::string_view b) {
  return static_cast<size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin()).first -
      a.begin());
}

// One bit for each letter and digit in a text.
uint64_t Letters(absl::string_view compact) {
  uint64_t letters = 0;
  for (const char c : compact) letters |= uint64_t{1} << (static_cast<uint8_t>(c) & 63);
  return letters;
}

// Compares names with one name. Reuses its buffer, because a search may look at ten thousand names.
class Comparison {
 public:
  Comparison(absl::string_view name, const SimilarNameRules& rules)
      : rules_(rules),
        name_(name),
        compact_(CompactName(name)),
        letters_(Letters(compact_)),
        max_distance_(std::max<size_t>(1, compact_.size() / 3)) {
    if (rules.may_be_misspelled && !compact_.empty() && compact_.size() <= EditDistance::kMaxLength) {
      distance_.emplace(compact_);
    }
  }

  bool is_empty() const { return compact_.empty(); }

  Hit With(absl::string_view candidate, size_t index) {
    AppendCompact(candidate);
    const size_t common = CommonPrefix(compact_, other_);
    const auto hit = [&](Likeness likeness, size_t distance) { return Hit{likeness, distance, common, index}; };
    if (common == compact_.size() && common == other_.size()) return hit(kSame, 0);
    if (common == compact_.size() && common >= kMinPrefix) return hit(kLonger, other_.size() - common);
    const uint64_t letters = Letters(other_);
    if ((letters_ & ~letters) == 0 && HasSameWords(candidate)) return hit(kSameWords, other_.size() - compact_.size());
    const size_t difference = std::max(compact_.size(), other_.size()) - std::min(compact_.size(), other_.size());
    const bool may_be_near = distance_.has_value() && difference <= max_distance_ &&
                             static_cast<size_t>(absl::popcount(letters_ & ~letters)) <= max_distance_ &&
                             static_cast<size_t>(absl::popcount(letters & ~letters_)) <= max_distance_;
    if (may_be_near) {
      const size_t distance = distance_->To(other_);
      if (distance <= max_distance_) return hit(kMisspelled, distance);
    }
    const bool is_shorter = rules_.may_be_shorter && common == other_.size() && common >= kMinPrefix;
    if (is_shorter && EndsWordAfter(name_, common)) return hit(kShorter, compact_.size() - common);
    return hit(kDifferent, 0);
  }

 private:
  void AppendCompact(absl::string_view text) {
    other_.clear();
    qconfig::AppendCompact(text, other_);
  }

  // Whether all words of the name are words of `candidate`.
  bool HasSameWords(absl::string_view candidate) {
    if (other_.size() < compact_.size() || word_checks_ == kMaxWordChecks) return false;
    ++word_checks_;
    if (words_.empty()) words_ = WordsOfName(name_);
    if (words_.size() < 2) return false;  // a single word is a prefix, or says too little
    std::vector<std::string> others = WordsOfName(candidate);
    return std::all_of(words_.begin(), words_.end(), [&others](const std::string& word) {
      const auto same = std::find(others.begin(), others.end(), word);
      if (same == others.end()) return false;
      others.erase(same);
      return true;
    });
  }

  const SimilarNameRules& rules_;
  const absl::string_view name_;
  const std::string compact_;
  const uint64_t letters_;
  const size_t max_distance_;
  std::optional<EditDistance> distance_;
  std::vector<std::string> words_;  // of the name; filled when first needed
  size_t word_checks_ = 0;
  std::string other_;  // the compact form of the current name
};

std::string DigitsOf(absl::string_view name) {
  std::string digits;
  for (const char c : name) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(c))) digits.push_back(c);
  }
  return digits;
}

std::string WithoutDigits(absl::string_view name) {
  std::string letters = CompactName(name);
  letters.erase(std::remove_if(letters.begin(), letters.end(),
                               [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }),
                letters.end());
  return letters;
}

// Whether `name` is `candidate` with at least two more characters, as other words or at the beginning or end.
// "team_int8" and "myint8" are a tenant's own names rather than misspelled ones.
bool Extends(absl::string_view name, absl::string_view candidate) {
  const std::string compact = CompactName(name);
  const std::string other = CompactName(candidate);
  if (compact.size() < other.size() + 2) return false;
  if (absl::StrContains(compact, other)) return true;
  const std::vector<std::string> words = WordsOfName(name);
  const std::vector<std::string> others = WordsOfName(candidate);
  return std::all_of(others.begin(), others.end(), [&words](const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  });
}

// "q1" is not a misspelled "q2": in so short a name, a digit is most of what tells two entries apart.
bool IsOtherShortName(absl::string_view name, absl::string_view candidate) {
  constexpr size_t kMaxShort = 2;
  const size_t shorter = std::min(CompactName(name).size(), CompactName(candidate).size());
  return shorter <= kMaxShort && DigitsOf(name) != DigitsOf(candidate);
}

std::vector<Hit> FindHits(absl::string_view name, const std::vector<absl::string_view>& names,
                          const SimilarNameRules& rules) {
  std::vector<Hit> hits;
  Comparison comparison(name, rules);
  if (comparison.is_empty()) return hits;
  size_t bytes = 0;
  for (size_t i = 0; i < names.size() && bytes < EditDistance::kMaxSearchBytes; ++i) {
    bytes += names[i].size();
    const Hit hit = comparison.With(names[i], i);
    if (hit.likeness != kDifferent) hits.push_back(hit);
  }
  const size_t checked = std::min(hits.size(), kMaxChecked);
  const auto key = [](const Hit& hit) {
    return std::make_tuple(hit.likeness, hit.distance, ~hit.common_prefix, hit.index);
  };
  std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(checked), hits.end(),
                    [key](const Hit& a, const Hit& b) { return key(a) < key(b); });
  hits.resize(checked);
  return hits;
}

}  // namespace

std::vector<SimilarName> SimilarNames(absl::string_view name, const std::vector<absl::string_view>& names,
                                      size_t max_names, const SimilarNameRules& rules) {
  std::vector<SimilarName> found;
  std::optional<Hit> nearest;  // the first misspelled name
  bool has_better = false;     // than kShorter
  size_t max_distance = std::numeric_limits<size_t>::max();
  for (const Hit& hit : FindHits(name, names, rules)) {
    if (found.size() == max_names) break;
    const absl::string_view candidate = names[hit.index];
    if (hit.likeness == kMisspelled && hit.distance > max_distance) break;
    if (rules.keeps_numbers && !KeepsNumberFormats(name, candidate)) {
      // Probably the name that was meant, with other numbers. Names that are less similar would be a guess.
      if (hit.likeness == kMisspelled) max_distance = hit.distance;
      continue;
    }
    bool has_other_number = false;
    if (hit.likeness == kMisspelled) {
      if (IsOtherShortName(name, candidate)) continue;
      // "gpt2" is not a misspelled gptj, and "qwen4" is not a misspelled qwen3, but of the same family.
      has_other_number = !rules.keeps_numbers && DigitsOf(name) != DigitsOf(candidate);
      if (has_other_number && WithoutDigits(name) != WithoutDigits(candidate)) continue;
      const bool is_first = !nearest.has_value();
      if (is_first) nearest = hit;
      if (hit.distance > nearest->distance + 1) continue;
      if (!is_first && rules.keeps_numbers && !StateSameNumbers(names[nearest->index], candidate)) continue;
    }
    if (hit.likeness == kShorter && has_better) break;
    has_better = has_better || hit.likeness != kShorter;
    const bool is_misspelled = hit.likeness == kMisspelled && !has_other_number && !Extends(name, candidate);
    const bool is_spelling = hit.likeness == kSame || is_misspelled;
    found.push_back({candidate, is_spelling ? v1::SUGGESTION_KIND_SPELLING : v1::SUGGESTION_KIND_SIMILAR_NAME});
    if (hit.likeness == kSame) break;
  }
  return found;
}

}  // namespace qconfig
