// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_MODULE_NAMES_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_MODULE_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace qconfig::client {

// Functions for the names in v1::Module, in which a range in braces, such as "{0..60}", stands for several numbers.
//
// The form of a name has kNumberSlot in place of each part between dots that is a number: "model.layers.\1.mlp" is the
// form of "model.layers.3.mlp". Only the first kMaxNumbers such parts count, so that joining names takes bounded time.
// Names have no control characters.

inline constexpr char kNumberSlot = '\1';
inline constexpr size_t kMaxNumbers = 8;

struct NumberRange {
  uint32_t first;
  uint32_t last;
};
inline bool operator==(NumberRange a, NumberRange b) { return a.first == b.first && a.last == b.last; }
inline bool operator!=(NumberRange a, NumberRange b) { return !(a == b); }

// The ranges of all slots of a form. They stand for every combination of numbers, the last range changing fastest.
using NumberRanges = absl::InlinedVector<NumberRange, 4>;

struct NumberedName {
  std::string form;
  std::vector<uint32_t> numbers;
};
NumberedName TakeNumbers(absl::string_view name);

struct RangedName {
  std::string form;
  NumberRanges ranges;  // a number is a range of one
};
RangedName ParseRanges(absl::string_view name);

// Whether `name` has a part such as "{0..60}", which the server expands.
bool HasRange(absl::string_view name);

// Returns, for example, "model.layers.{0..60}.mlp".
std::string FormatName(absl::string_view form, absl::Span<const NumberRange> ranges);
std::string FormatName(absl::string_view form, absl::Span<const uint32_t> numbers);

size_t CountNames(const NumberRanges& ranges);

// Calls `visit` with the numbers of each name, in the order in which the server expands them.
template <typename Visit>
void ForEachName(const NumberRanges& ranges, Visit visit) {
  std::vector<uint32_t> numbers;
  for (const NumberRange& range : ranges) numbers.push_back(range.first);
  for (size_t left = CountNames(ranges); left > 0; --left) {
    visit(absl::MakeConstSpan(numbers));
    for (size_t i = numbers.size(); i > 0; --i) {
      if (numbers[i - 1] < ranges[i - 1].last) {
        ++numbers[i - 1];
        break;
      }
      numbers[i - 1] = ranges[i - 1].first;
    }
  }
}

// Returns ranges that together stand for exactly the given combinations of `width` numbers each, in ascending order.
// `numbers` has one combination after the other, all different. REQUIRES: `width` > 0.
std::vector<NumberRanges> CoverWithRanges(absl::Span<const uint32_t> numbers, size_t width);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_MODULE_NAMES_H_
