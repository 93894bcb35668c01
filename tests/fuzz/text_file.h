// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_FUZZ_TEXT_FILE_H_
#define QCONFIG_TESTS_FUZZ_TEXT_FILE_H_

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "core/utf8.h"
#include "qconfigctl/tree_checks.h"

namespace qconfig::fuzz {

// Whether ReadEntryText() would return `text`.
inline bool IsEntryText(absl::string_view text) {
  const bool is_text = std::none_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_iscntrl(c) && c != '\n' && c != '\r' && c != '\t';
  });
  return is_text && IsUtf8(text) && !absl::StripAsciiWhitespace(text).empty();
}

}  // namespace qconfig::fuzz

#endif  // QCONFIG_TESTS_FUZZ_TEXT_FILE_H_
