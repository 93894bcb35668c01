// SPDX-License-Identifier: Apache-2.0
#include "core/names/number_formats.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "core/names/name_words.h"

namespace qconfig {
namespace {

// Longer ones first. The second is the kind of the number.
constexpr std::array<std::pair<absl::string_view, absl::string_view>, 13> kFamilies = {{{"bfloat", "bf"},
                                                                                        {"mxint", "int"},
                                                                                        {"amdfp", "fp"},
                                                                                        {"float", "fp"},
                                                                                        {"mxfp", "fp"},
                                                                                        {"nvfp", "fp"},
                                                                                        {"uint", "uint"},
                                                                                        {"bfp", "bfp"},
                                                                                        {"int", "int"},
                                                                                        {"bf", "bf"},
                                                                                        {"fp", "fp"},
                                                                                        {"mx", "mx"},
                                                                                        {"nf", "nf"}}};
constexpr absl::string_view kWeightsOnly = "wo";
constexpr absl::string_view kActivationsToo = "wa";

// A number format that a text states.
struct Format {
  absl::string_view family;  // of kFamilies; or "w", "a", kWeightsOnly, kActivationsToo; empty: not stated
  absl::string_view kind;    // of kFamilies
  std::string bits;          // "4"; empty: not stated
  std::string exponent;      // "e2m1"; empty: not stated
  size_t begin = 0;          // its place in the text
  size_t end = 0;
  size_t exponent_begin = 0;
};

// A part of a text, from `begin` up to and excluding `end`.
struct Part {
  size_t begin = 0;
  size_t end = 0;
};

class FormatReader {
 public:
  explicit FormatReader(absl::string_view text) : original_(text), text_(absl::AsciiStrToLower(text)) {}

  std::vector<Format> Read() {
    for (size_t i = 0; i < text_.size();) {
      const size_t end = std::max({ReadExponent(i), ReadWidths(i), ReadRole(i), ReadFamily(i)});
      i = std::max(i + 1, end);
    }
    return std::move(formats_);
  }

 private:
  char At(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  bool IsDigit(size_t i) const { return absl::ascii_isdigit(static_cast<unsigned char>(At(i))); }
  bool IsLetter(size_t i) const { return absl::ascii_isalpha(static_cast<unsigned char>(At(i))); }
  // Whether a word may begin here: "Int4" also begins one in "OnlyInt4".
  bool BeginsWord(size_t i) const {
    if (i == 0 || !IsLetter(i - 1)) return true;
    return absl::ascii_isupper(static_cast<unsigned char>(original_[i])) &&
           absl::ascii_islower(static_cast<unsigned char>(original_[i - 1]));
  }
  size_t EndOfDigits(size_t i) const {
    while (IsDigit(i)) ++i;
    return i;
  }
  std::string Text(size_t begin, size_t end) const { return text_.substr(begin, end - begin); }

  // The functions below add the format that begins at `i`, and return its end; 0 if none begins there.

  // "e4m3", of the format before it if they are adjacent.
  size_t ReadExponent(size_t i) {
    if (At(i) != 'e' || !IsDigit(i + 1) || At(i + 2) != 'm' || !IsDigit(i + 3) || IsDigit(i + 4)) return 0;
    if (i > 0 && IsLetter(i - 1)) return 0;
    const std::string exponent = Text(i, i + 4);
    if (!formats_.empty()) {
      Format& last = formats_.back();
      const bool adjacent = last.end == i || (last.end + 1 == i && IsSeparator(At(last.end)));
      if (adjacent && last.kind == "fp" && last.exponent.empty()) {
        last.exponent = exponent;
        last.exponent_begin = i;
        return last.end = i + 4;
      }
    }
    formats_.push_back({"", "fp", "", exponent, i, i + 4, i});
    return i + 4;
  }

  // "w4a16", and "a16" after a format.
  size_t ReadWidths(size_t i) {
    const bool after_format = !formats_.empty() && formats_.back().end == i;
    if (At(i) == 'a' && IsDigit(i + 1) && after_format) {
      const size_t end = EndOfDigits(i + 1);
      const std::string bits = Text(i + 1, end);
      formats_.push_back({bits == "16" ? kWeightsOnly : "a", "", bits == "16" ? "" : bits, "", i, end});
      return end;
    }
    if (At(i) != 'w' || !BeginsWord(i) || !IsDigit(i + 1)) return 0;
    const size_t end = EndOfDigits(i + 1);
    if (At(end) != 'a') return 0;
    formats_.push_back({"w", "", Text(i + 1, end), "", i, end});
    return end;
  }

  size_t ReadRole(size_t i) {
    if (!BeginsWord(i)) return 0;
    for (const auto& [word, family] : {std::pair<absl::string_view, absl::string_view>{"weight_only", kWeightsOnly},
                                       {"weightonly", kWeightsOnly},
                                       {"weight-only", kWeightsOnly},
                                       {"wo", kWeightsOnly},
                                       {"wa", kActivationsToo}}) {
      const size_t end = i + word.size();
      if (!absl::StartsWith(absl::string_view(text_).substr(i), word) || IsLetter(end)) continue;
      formats_.push_back({family, "", "", "", i, end});
      return end;
    }
    return 0;
  }

  // In the middle of a word, as in the misspelled "xfp4", only the kind of the number is stated.
  size_t ReadFamily(size_t i) {
    const bool after_width = i > 1 && At(i - 1) == 'a' && !formats_.empty() && formats_.back().end == i - 1;
    const bool begins_word = BeginsWord(i) || after_width;
    for (const auto& [family, kind] : kFamilies) {
      if (!absl::StartsWith(absl::string_view(text_).substr(i), family)) continue;
      if (!begins_word && family.size() == 2 && kind != "fp" && kind != "mx") continue;
      const size_t word_end = i + family.size();
      const size_t digits = IsSeparator(At(word_end)) && IsDigit(word_end + 1) ? word_end + 1 : word_end;
      if (!IsDigit(digits) && (IsLetter(word_end) || !begins_word)) continue;
      const size_t end = IsDigit(digits) ? EndOfDigits(digits) : word_end;
      const absl::string_view name = family == "float" ? "fp" : family == "bfloat" ? "bf" : family;
      formats_.push_back({begins_word ? name : "", kind, Text(digits, end), "", i, end});
      return end;
    }
    return 0;
  }

  const absl::string_view original_;
  const std::string text_;
  std::vector<Format> formats_;
};

// A number in a text.
struct Number {
  std::string digits;
  bool is_width;  // of a format
};

// The numbers in `text`, whose formats are `formats`, outside of the parts `covered`.
std::vector<Number> OtherNumbers(absl::string_view text, const std::vector<Format>& formats,
                                 const std::vector<Part>& covered) {
  std::vector<Number> numbers;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[end]))) ++end;
    const auto is_in = [i](const auto& part) { return part.begin <= i && i < part.end; };
    if (end > i && std::none_of(covered.begin(), covered.end(), is_in)) {
      numbers.push_back({std::string(text.substr(i, end - i)), std::any_of(formats.begin(), formats.end(), is_in)});
    }
    i = std::max(i + 1, end);
  }
  return numbers;
}

// Whether `suggested` is `given`, or states more of it.
bool Refines(const Format& given, const Format& suggested) {
  const bool is_same_kind = given.family.empty() ? given.kind == suggested.kind : given.family == suggested.family;
  return is_same_kind && (given.bits.empty() || given.bits == suggested.bits) &&
         (given.exponent.empty() || given.exponent == suggested.exponent);
}

// The part of `suggested` that `given` states. REQUIRES: Refines().
Part StatedPart(const Format& given, const Format& suggested) {
  if (suggested.exponent.empty()) return {suggested.begin, suggested.end};
  if (given.family.empty() && given.bits.empty()) return {suggested.exponent_begin, suggested.end};
  return {suggested.begin, given.exponent.empty() ? suggested.exponent_begin : suggested.end};
}

bool IsRole(const Format& format) { return format.family == kWeightsOnly || format.family == kActivationsToo; }

// Removes the numbers that are in both lists from both, widths first.
void RemoveCommon(std::vector<Number>& given, std::vector<Number>& suggested) {
  for (const bool is_width : {true, false}) {
    for (auto number = given.begin(); number != given.end();) {
      const auto same = std::find_if(suggested.begin(), suggested.end(), [&](const Number& other) {
        return other.is_width == is_width && other.digits == number->digits;
      });
      if (same == suggested.end()) {
        ++number;
      } else {
        suggested.erase(same);
        number = given.erase(number);
      }
    }
  }
}

}  // namespace

bool KeepsNumberFormats(absl::string_view given, absl::string_view suggested) {
  const std::vector<Format> stated = FormatReader(given).Read();
  std::vector<Format> unstated = FormatReader(suggested).Read();
  const std::vector<Format> offered = unstated;
  if (stated.empty() && offered.empty()) return true;
  std::vector<Part> stated_parts;
  for (const Format& format : stated) {
    const auto same = std::find_if(unstated.begin(), unstated.end(),
                                   [&format](const Format& other) { return Refines(format, other); });
    if (same == unstated.end()) return false;
    stated_parts.push_back(StatedPart(format, *same));
    unstated.erase(same);
  }
  std::vector<Part> read;
  read.reserve(stated.size());
  for (const Format& format : stated) read.push_back({format.begin, format.end});
  std::vector<Number> left = OtherNumbers(given, stated, read);
  std::vector<Number> others = OtherNumbers(suggested, offered, stated_parts);
  const auto count = [&others](bool is_width) {
    return std::count_if(others.begin(), others.end(), [&](const Number& n) { return n.is_width == is_width; });
  };
  const auto widths = count(true);
  RemoveCommon(left, others);
  // A format that `given` does not state must at least have a number of it: "mxfp4_f8" means mxfp4_fp8, "mxfp4" does
  // not.
  const auto added = std::count_if(unstated.begin(), unstated.end(), [](const Format& f) { return !IsRole(f); });
  if (!stated.empty() && added > widths - count(true)) return false;
  return static_cast<std::ptrdiff_t>(left.size()) <= count(false);
}

bool StateSameNumbers(absl::string_view a, absl::string_view b) {
  const auto numbers = [](absl::string_view text) {
    std::vector<std::string> result;
    for (const Format& format : FormatReader(text).Read()) {
      if (!format.kind.empty()) result.push_back(std::string(format.kind) + format.bits + format.exponent);
    }
    std::sort(result.begin(), result.end());
    return result;
  };
  return numbers(a) == numbers(b);
}

}  // namespace qconfig
