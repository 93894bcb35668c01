// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_REGEX_GLOB_H_
#define QCONFIG_CORE_REGEX_GLOB_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig {

// Whether `pattern` is probably a regular expression, with or without the prefix "re:" of vLLM and llm-compressor:
// names of modules have none of its special characters, and no name starts with a dot. False for a pattern such as
// "model.layers.*", which is an ordinary glob.
bool LooksLikeRegex(absl::string_view pattern);

// Globs that mean what a regular expression for names means.
struct RegexGlobs {
  std::vector<std::string> globs;  // empty: there are no such globs, or the syntax is not supported
  bool exact = true;               // false: the globs match more names
};

// Takes `regex` as an expression for whole names, in which a dot without a quantifier stands for itself, because this
// is how users write them. Returns at most 8 globs.
RegexGlobs GlobsOfRegex(absl::string_view regex);

}  // namespace qconfig

#endif  // QCONFIG_CORE_REGEX_GLOB_H_
