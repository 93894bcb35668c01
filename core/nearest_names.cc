// SPDX-License-Identifier: Apache-2.0
#include "core/nearest_names.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"

namespace qconfig {
namespace {

// Longer texts are no slips of the pen, and comparing them would cost more than the request that brought them.
constexpr size_t kMaxLength = 64;

std::string Folded(absl::string_view name) {
  std::string folded = absl::AsciiStrToLower(name);
  std::replace(folded.begin(), folded.end(), '-', '_');
  std::replace(folded.begin(), folded.end(), '.', '_');
  return folded;
}

// Levenshtein's distance, where swapping two neighbours counts as one edit.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> before_previous, previous(b.size() + 1), current(b.size() + 1);
  std::iota(previous.begin(), previous.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_previous[j - 2] + 1);
      }
    }
    before_previous = previous;
    std::swap(previous, current);
  }
  return previous[b.size()];
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
  for (const absl::string_view candidate : names) {
    const size_t shorter = std::min(candidate.size(), wanted.size());
    const size_t longer = std::max(candidate.size(), wanted.size());
    if (longer - shorter > max_distance) continue;
    const std::string folded = Folded(candidate);
    const size_t distance = EditDistance(wanted, folded);
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
