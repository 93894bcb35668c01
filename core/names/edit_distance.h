// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_NAMES_EDIT_DISTANCE_H_
#define QCONFIG_CORE_NAMES_EDIT_DISTANCE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace qconfig {

// The edit distances of one text, in bytes, to others. Swapping two neighbours is one edit. The algorithm is the
// bit-parallel one of Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau edit distances" (2003),
// which takes a few operations for each byte of the other text. Immutable.
class EditDistance {
 public:
  static constexpr size_t kMaxLength = 64;
  // The limit of bytes of the names of one search, about a millisecond.
  static constexpr size_t kMaxSearchBytes = 250'000;

  // REQUIRES: `text` is not empty and has at most kMaxLength bytes.
  explicit EditDistance(absl::string_view text) : length_(text.size()) {
    for (size_t i = 0; i < text.size(); ++i) places_[static_cast<uint8_t>(text[i])] |= uint64_t{1} << i;
  }

  size_t To(absl::string_view other) const {
    const uint64_t last = uint64_t{1} << (length_ - 1);
    uint64_t increases = ~uint64_t{0};  // between neighbouring rows of the current column
    uint64_t decreases = 0;
    uint64_t diagonal_zeros = 0;
    uint64_t previous_places = 0;
    size_t distance = length_;
    for (const char c : other) {
      const uint64_t places = places_[static_cast<uint8_t>(c)];
      const uint64_t swaps = ((~diagonal_zeros & places) << 1) & previous_places;
      diagonal_zeros = (((places & increases) + increases) ^ increases) | places | decreases | swaps;
      uint64_t right_increases = decreases | ~(diagonal_zeros | increases);
      uint64_t right_decreases = diagonal_zeros & increases;
      if ((right_increases & last) != 0) ++distance;
      if ((right_decreases & last) != 0) --distance;
      right_increases = (right_increases << 1) | 1;
      right_decreases <<= 1;
      increases = right_decreases | ~(diagonal_zeros | right_increases);
      decreases = right_increases & diagonal_zeros;
      previous_places = places;
    }
    return distance;
  }

 private:
  size_t length_;
  std::array<uint64_t, 256> places_{};  // of each byte in the text
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_NAMES_EDIT_DISTANCE_H_
