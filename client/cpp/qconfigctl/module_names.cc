// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/module_names.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace qconfig::client {
namespace {

constexpr size_t kMaxDigits = 9;

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isdigit(c); });
}

// Whether `text` is the decimal form of a number that a slot can have.
bool IsNumber(absl::string_view text) {
  return IsDigits(text) && text.size() <= kMaxDigits && (text[0] != '0' || text.size() == 1);
}

// REQUIRES: IsNumber(text).
uint32_t ToNumber(absl::string_view text) {
  uint32_t number = 0;
  (void)absl::SimpleAtoi(text, &number);
  return number;
}

// Reads a range at the start of `text`. If there is one, `end` is where it ends.
std::optional<NumberRange> RangeAt(absl::string_view text, size_t& end) {
  const size_t close = text.find('}');
  if (text.empty() || text[0] != '{' || close == absl::string_view::npos) return std::nullopt;
  const absl::string_view inside = text.substr(1, close - 1);
  const size_t dots = inside.find("..");
  if (dots == absl::string_view::npos) return std::nullopt;
  const absl::string_view first = inside.substr(0, dots);
  const absl::string_view last = inside.substr(dots + 2);
  if (!IsDigits(first) || !IsDigits(last)) return std::nullopt;
  end = close + 1;
  if (!IsNumber(first) || !IsNumber(last)) return NumberRange{1, 0};
  return NumberRange{ToNumber(first), ToNumber(last)};
}

template <typename Numbers, typename Append>
std::string FillIn(absl::string_view form, const Numbers& numbers, Append append) {
  std::string name;
  size_t slot = 0;
  for (const char c : form) {
    if (c == kNumberSlot) {
      append(numbers[slot++], name);
    } else {
      name.push_back(c);
    }
  }
  return name;
}

// Joins ranges that differ only in slot `slot`, where they are adjacent.
void JoinRanges(size_t slot, std::vector<NumberRanges>& all) {
  const auto compare = [slot](const NumberRanges& a, const NumberRanges& b) {
    for (size_t i = 0; i < a.size(); ++i) {
      if (i == slot || a[i] == b[i]) continue;
      return a[i].first != b[i].first ? a[i].first < b[i].first : a[i].last < b[i].last;
    }
    return a[slot].first < b[slot].first;
  };
  const auto adjacent = [slot](const NumberRanges& a, const NumberRanges& b) {
    for (size_t i = 0; i < a.size(); ++i) {
      if (i != slot && a[i] != b[i]) return false;
    }
    return a[slot].last + 1 == b[slot].first;
  };
  std::sort(all.begin(), all.end(), compare);
  size_t kept = 0;
  for (size_t i = 1; i < all.size(); ++i) {
    if (adjacent(all[kept], all[i])) {
      all[kept][slot].last = all[i][slot].last;
    } else {
      all[++kept] = all[i];
    }
  }
  if (!all.empty()) all.resize(kept + 1);
}

}  // namespace

NumberedName TakeNumbers(absl::string_view name) {
  NumberedName result;
  result.form.reserve(name.size());
  for (const absl::string_view part : absl::StrSplit(name, '.')) {
    if (!result.form.empty() || part.data() != name.data()) result.form.push_back('.');
    if (result.numbers.size() < kMaxNumbers && IsNumber(part)) {
      result.form.push_back(kNumberSlot);
      result.numbers.push_back(ToNumber(part));
    } else {
      result.form.append(part.data(), part.size());
    }
  }
  return result;
}

RangedName ParseRanges(absl::string_view name) {
  RangedName result;
  size_t start = 0;  // of a part between dots
  for (size_t i = 0; i < name.size();) {
    size_t end = 0;
    if (const auto range = RangeAt(name.substr(i), end); range.has_value()) {
      result.form.push_back(kNumberSlot);
      result.ranges.push_back(*range);
      i += end;
      continue;
    }
    if (i == start) {
      const absl::string_view part = name.substr(start, name.find('.', start) - start);
      if (result.ranges.size() < kMaxNumbers && IsNumber(part)) {
        result.form.push_back(kNumberSlot);
        result.ranges.push_back({ToNumber(part), ToNumber(part)});
        i += part.size();
        continue;
      }
    }
    if (name[i] == '.') start = i + 1;
    result.form.push_back(name[i++]);
  }
  return result;
}

bool HasRange(absl::string_view name) {
  for (size_t i = name.find('{'); i != absl::string_view::npos; i = name.find('{', i + 1)) {
    size_t end = 0;
    if (RangeAt(name.substr(i), end).has_value()) return true;
  }
  return false;
}

std::string FormatName(absl::string_view form, absl::Span<const NumberRange> ranges) {
  return FillIn(form, ranges, [](NumberRange range, std::string& name) {
    if (range.first == range.last) {
      absl::StrAppend(&name, range.first);
    } else {
      absl::StrAppend(&name, "{", range.first, "..", range.last, "}");
    }
  });
}

std::string FormatName(absl::string_view form, absl::Span<const uint32_t> numbers) {
  return FillIn(form, numbers, [](uint32_t number, std::string& name) { absl::StrAppend(&name, number); });
}

size_t CountNames(const NumberRanges& ranges) {
  size_t count = 1;
  for (const NumberRange& range : ranges) count *= size_t{range.last} - range.first + 1;
  return count;
}

std::vector<NumberRanges> CoverWithRanges(absl::Span<const uint32_t> numbers, size_t width) {
  std::vector<NumberRanges> all(numbers.size() / width);
  for (size_t i = 0; i < numbers.size(); ++i) all[i / width].push_back({numbers[i], numbers[i]});
  for (size_t slot = width; slot > 0; --slot) JoinRanges(slot - 1, all);
  std::sort(all.begin(), all.end(), [](const NumberRanges& a, const NumberRanges& b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](NumberRange x, NumberRange y) { return x.first < y.first; });
  });
  return all;
}

}  // namespace qconfig::client
