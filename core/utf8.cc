// SPDX-License-Identifier: Apache-2.0
#include "core/utf8.h"

#include <utf8proc.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace qconfig {
namespace {

bool IsInvisible(char32_t c) {
  const utf8proc_property_t& property = *utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
  switch (property.category) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return true;
    default:
      return property.ignorable != 0;
  }
}

bool IsOtherSpace(char32_t c) {
  return c != ' ' && utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_ZS;
}

std::string Escaped(char32_t c) {
  const auto number = static_cast<uint32_t>(c);
  return number > 0xFFFF ? absl::StrFormat("\\U%08x", number) : absl::StrFormat("\\u%04x", number);
}

}  // namespace

char32_t TakeCodePoint(absl::string_view& text) {
  const auto byte = [&text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const size_t length = lead < 0x80 ? 1 : lead >> 5 == 0x6 ? 2 : lead >> 4 == 0xE ? 3 : lead >> 3 == 0x1E ? 4 : 0;
  char32_t c = lead;
  bool well_formed = length > 0 && length <= text.size();
  if (well_formed && length > 1) {
    c = lead & (0x7Fu >> length);
    for (size_t i = 1; i < length; ++i) {
      well_formed = well_formed && byte(i) >> 6 == 0x2;
      c = c << 6 | (byte(i) & 0x3Fu);
    }
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800,
                                    0x10000};  // of each length; smaller ones have a shorter encoding
  well_formed = well_formed && c >= kSmallest[length] && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
  text.remove_prefix(well_formed ? length : 1);
  return well_formed ? c : lead;
}

std::u32string DecodeUtf8(absl::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  while (!text.empty()) result.push_back(TakeCodePoint(text));
  return result;
}

size_t CountCodePoints(absl::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) TakeCodePoint(text);
  return count;
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t before = text.size();
    const char32_t c = TakeCodePoint(text);
    if (c >= 0x80 && before - text.size() == 1) return false;
  }
  return true;
}

bool IsPrintable(absl::string_view text) {
  while (!text.empty()) {
    const size_t size = text.size();
    const char32_t c = TakeCodePoint(text);
    const bool malformed = size - text.size() == 1 && c >= 0x80;
    if (malformed || IsInvisible(c) || IsOtherSpace(c)) return false;
  }
  return true;
}

std::string Printable(absl::string_view text, size_t max_code_points) {
  constexpr absl::string_view kEllipsis = "...";
  std::string result;
  size_t count = 0;
  size_t fits_before_ellipsis = 0;  // the size of `result` that leaves room for the ellipsis
  while (!text.empty()) {
    const absl::string_view before = text;
    const char32_t c = TakeCodePoint(text);
    const absl::string_view bytes = before.substr(0, before.size() - text.size());
    const bool malformed = bytes.size() == 1 && c >= 0x80;
    const std::string escaped = IsInvisible(c) || IsOtherSpace(c) || malformed ? Escaped(c) : "";
    count += escaped.empty() ? 1 : escaped.size();
    if (count > max_code_points) {
      result.resize(fits_before_ellipsis);
      return absl::StrCat(result, kEllipsis);
    }
    absl::StrAppend(&result, escaped.empty() ? bytes : absl::string_view(escaped));
    if (count + kEllipsis.size() <= max_code_points) fits_before_ellipsis = result.size();
  }
  return result;
}

}  // namespace qconfig
