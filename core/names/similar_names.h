// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_NAMES_SIMILAR_NAMES_H_
#define QCONFIG_CORE_NAMES_SIMILAR_NAMES_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"
#include "qconfig/v1/error.pb.h"

namespace qconfig {

// A name that is similar to another.
struct SimilarName {
  absl::string_view name;
  v1::SuggestionKind kind;  // SUGGESTION_KIND_SIMILAR_NAME or SUGGESTION_KIND_SPELLING
};

struct SimilarNameRules {
  // Only names that KeepsNumberFormats() accepts. Otherwise misspelled names keep their digits, or differ in
  // nothing else.
  bool keeps_numbers = true;
  bool may_be_shorter = true;  // "llama4" for "llama4_text"
  bool may_be_misspelled = true;
};

// Up to `max_names` of `names` that are similar to `name`, best first: names that begin with it or have its words, then
// names that differ in a few characters, then, if there are none, names with which it begins. Ignores letter case and
// separators. Names of one or two characters keep their digits. Equally similar names are ordered by the length of the
// common prefix, then as in `names`.
//
// Takes at most about two milliseconds: names that are too long to be a typo are not compared, and names after a limit
// of bytes are ignored.
std::vector<SimilarName> SimilarNames(absl::string_view name, const std::vector<absl::string_view>& names,
                                      size_t max_names, const SimilarNameRules& rules = {});

}  // namespace qconfig

#endif  // QCONFIG_CORE_NAMES_SIMILAR_NAMES_H_
