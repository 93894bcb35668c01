// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_FILES_JSON_MISTAKE_H_
#define QCONFIG_SERVER_BASE_FILES_JSON_MISTAKE_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

// Names a common mistake in JSON, with its line: a trailing or missing comma, single quotes, words of Python, or a name
// without quotes. `position` is that of the last byte of `text` that the parser has read, and `error` is the parser's
// text. Empty if the mistake is not a common one.
std::string JsonMistake(absl::string_view text, size_t position, absl::string_view error);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_FILES_JSON_MISTAKE_H_
