// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_UTF8_H_
#define QCONFIG_CORE_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

// Removes the first code point from `text` and returns it. A byte that does not begin well-formed UTF-8 counts as a
// code point, so every input can be read to its end. REQUIRES: `text` is not empty.
char32_t TakeCodePoint(absl::string_view& text);

std::u32string DecodeUtf8(absl::string_view text);

// The number of characters in `text`, as Python counts them.
size_t CountCodePoints(absl::string_view text);

// Whether all of `text` is well-formed UTF-8.
bool IsUtf8(absl::string_view text);

// Whether every character of `text` is visible or U+0020: well-formed UTF-8 without control, format and unassigned
// characters, ignorable characters (Default_Ignorable_Code_Point), and other spaces. The Unicode version is that of
// utf8proc: 15.0 on Debian 12, 15.1 on Debian 13.
bool IsPrintable(absl::string_view text);

// `text` in a form for error messages and logs: writes characters that are not printable as \uXXXX or \UXXXXXXXX, and
// truncates the result to `max_code_points`, with "..." at the end.
std::string Printable(absl::string_view text, size_t max_code_points);

}  // namespace qconfig

#endif  // QCONFIG_CORE_UTF8_H_
