// SPDX-License-Identifier: Apache-2.0
#include "core/nearest_names.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/ascii.h"
#include "core/names/edit_distance.h"

namespace qconfig {
namespace {

// Longer names are unlikely to be typos, and comparing them would cost more than the rest of the request.
constexpr size_t kMaxLength = EditDistance::kMaxLength;

std::string Folded(absl::string_view name) {
  std::string folded = absl::AsciiStrToLower(name);
  std::replace(folded.begin(), folded.end(), '-', '_');
  std::replace(folded.begin(), folded.end(), '.', '_');
  return folded;
}

}  // namespace

std::vector<absl::string_view> NearestNames(absl::string_view name, const std::vector<absl::string_view>& names,
                                            size_t max_names) {
  if (name.empty() || name.size() > kMaxLength) return {};
  const std::string wanted = Folded(name);
  const EditDistance distance_of(wanted);
  const size_t max_distance = std::max<size_t>(1, wanted.size() / 3);
  struct Near {
    size_t distance;
    size_t common_prefix;
    absl::string_view name;
  };
  std::vector<Near> near;
  size_t bytes = 0;
  for (const absl::string_view candidate : names) {
    const size_t shorter = std::min(candidate.size(), wanted.size());
    const size_t longer = std::max(candidate.size(), wanted.size());
    if (longer - shorter > max_distance) continue;
    bytes += candidate.size();
    if (bytes > EditDistance::kMaxSearchBytes) break;
    const std::string folded = Folded(candidate);
    const size_t distance = distance_of.To(folded);
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
