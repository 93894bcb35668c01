// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_NAMES_NAME_WORDS_H_
#define QCONFIG_CORE_NAMES_NAME_WORDS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig {

// The parts of names. Separators are "_", "-", "." and blanks. Letter case is that of ASCII.

bool IsSeparator(char c);
// The name in lower case without separators: "fp8dynamic" for "FP8-Dynamic".
std::string CompactName(absl::string_view name);
// Appends CompactName() to `compact`.
void AppendCompact(absl::string_view name, std::string& compact);

// The words in lower case: "qwen", "3", "moe" for "qwen3_moe", and "min", "max", "observer" for "MinMaxObserver".
std::vector<std::string> WordsOfName(absl::string_view name);

// Whether a word of `name` ends after the first `compact_bytes` bytes of its compact form.
bool EndsWordAfter(absl::string_view name, size_t compact_bytes);

}  // namespace qconfig

#endif  // QCONFIG_CORE_NAMES_NAME_WORDS_H_
