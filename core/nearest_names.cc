// SPDX-License-Identifier: Apache-2.0
#include "core/nearest_names.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"

namespace qconfig {
namespace {

// Longer names are unlikely to be typos, and comparing them would cost more than the rest of the request.
constexpr size_t kMaxLength = 64;

std::string Folded(absl::string_view name) {
  std::string folded = absl::AsciiStrToLower(name);
  std::replace(folded.begin(), folded.end(), '-', '_');
  std::replace(folded.begin(), folded.end(), '.', '_');
  return folded;
}

// The limit of character comparisons of one search, a few milliseconds. The search ignores the names after that.
constexpr size_t kMaxComparisons = 4'000'000;

// How often a text contains each byte.
using Letters = std::array<int, 256>;

Letters CountLetters(absl::string_view text) {
  Letters letters{};
  for (const char c : text) ++letters[static_cast<unsigned char>(c)];
  return letters;
}

// A lower bound of the edit distance of two texts, which is cheaper to compute.
size_t LetterDistance(const Letters& a, const Letters& b) {
  size_t missing = 0;
  size_t added = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    missing += static_cast<size_t>(std::max(0, a[i] - b[i]));
    added += static_cast<size_t>(std::max(0, b[i] - a[i]));
  }
  return std::max(missing, added);
}

// Levenshtein distance, where swapping two neighbours is one edit; any number above `max` if it is greater.
size_t EditDistance(absl::string_view a, absl::string_view b, size_t max) {
  std::array<std::array<size_t, kMaxLength + kMaxLength / 2 + 2>, 3> rows;
  auto *before_previous = &rows[0], *previous = &rows[1], *current = &rows[2];
  std::iota(previous->begin(), previous->begin() + static_cast<std::ptrdiff_t>(b.size()) + 1, size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    (*current)[0] = i;
    size_t least = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t& cell = (*current)[j];
      cell = std::min({(*previous)[j] + 1, (*current)[j - 1] + 1, (*previous)[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cell = std::min(cell, (*before_previous)[j - 2] + 1);
      }
      least = std::min(least, cell);
    }
    if (least > max + 1) return least;  // a swap may still reduce it by one
    std::swap(before_previous, previous);
    std::swap(previous, current);
  }
  return (*previous)[b.size()];
}

}  // namespace

std::vector<absl::string_view> NearestNames(absl::string_view name, const std::vector<absl::string_view>& names,
                                            size_t max_names) {
  if (name.empty() || name.size() > kMaxLength) return {};
  const std::string wanted = Folded(name);
  const size_t max_distance = std::max<size_t>(1, wanted.size() / 3);
  struct Near {
    size_t distance;
    size_t common_prefix;
    absl::string_view name;
  };
  std::vector<Near> near;
  const Letters letters = CountLetters(wanted);
  size_t comparisons = 0;
  for (const absl::string_view candidate : names) {
    const size_t shorter = std::min(candidate.size(), wanted.size());
    const size_t longer = std::max(candidate.size(), wanted.size());
    if (longer - shorter > max_distance) continue;
    const std::string folded = Folded(candidate);
    if (LetterDistance(letters, CountLetters(folded)) > max_distance) continue;
    comparisons += wanted.size() * folded.size();
    if (comparisons > kMaxComparisons) break;
    const size_t distance = EditDistance(wanted, folded, max_distance);
    if (distance > max_distance) continue;
    const auto first_different = std::mismatch(wanted.begin(), wanted.end(), folded.begin(), folded.end()).first;
    near.push_back({distance, static_cast<size_t>(first_different - wanted.begin()), candidate});
  }
  std::stable_sort(near.begin(), near.end(), [](const Near& a, const Near& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.common_prefix > b.common_prefix;
  });
  std::vector<absl::string_view> result;
  for (size_t i = 0; i < std::min(near.size(), max_names); ++i) result.push_back(near[i].name);
  return result;
}

}  // namespace qconfig
