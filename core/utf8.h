// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_UTF8_H_
#define QCONFIG_CORE_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

// Takes the first code point off `text`. A byte that does not begin well-formed UTF-8 counts as a code point of its
// own, so every input can be walked to its end. REQUIRES: `text` is not empty.
char32_t TakeCodePoint(absl::string_view& text);

std::u32string DecodeUtf8(absl::string_view text);

// How many characters `text` has, as Python counts them.
size_t CountCodePoints(absl::string_view text);

// Whether every character of `text` is visible, or a plain space: well-formed UTF-8 without control, format and
// unassigned characters, characters that displays may ignore (Default_Ignorable_Code_Point), and spaces other than
// U+0020. The tables are those of utf8proc: Unicode 15.0 on Debian 12, 15.1 on 13.
bool IsPrintable(absl::string_view text);

// `text` as it may stand in an error message or a log line: invisible characters other than spaces are written as
// \uXXXX or \UXXXXXXXX, and what passes `max_code_points` is replaced by "...".
std::string Printable(absl::string_view text, size_t max_code_points);

}  // namespace qconfig

#endif  // QCONFIG_CORE_UTF8_H_
