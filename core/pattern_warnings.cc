// SPDX-License-Identifier: Apache-2.0
#include "core/pattern_warnings.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/message_text.h"
#include "core/regex_glob.h"

namespace qconfig {
namespace {

constexpr absl::string_view kSeparators = " ,\t\n\r\v\f";

// How a caller gives a pattern.
struct PatternOption {
  absl::string_view option;  // of qconfigctl
  std::string suffix;        // of the option's value
  absl::string_view list;    // in the API
};

std::string RegexMessage(absl::string_view pattern) {
  const std::string problem = "looks like a regular expression, but patterns are globs";
  const RegexGlobs found = GlobsOfRegex(pattern);
  if (found.globs.empty()) {
    return absl::StrCat(problem, ", in which only *, ? and [...] are special: * stands for any characters");
  }
  const std::string globs =
      absl::StrJoin(found.globs, " and ", [](std::string* out, const std::string& glob) { out->append(Quoted(glob)); });
  if (!found.exact) return absl::StrCat(problem, ". The nearest glob is ", globs);
  return absl::StrCat(problem, ". Use ", globs, " instead");
}

std::string SeparatorMessage(absl::string_view pattern, const PatternOption& option) {
  constexpr size_t kMaxListed = 3;
  std::vector<absl::string_view> parts = absl::StrSplit(pattern, absl::ByAnyChar(kSeparators), absl::SkipEmpty());
  const std::string problem = "has a blank or a comma, which no module name has";
  if (parts.empty()) return absl::StrCat(problem, ". Remove the pattern");
  if (parts.size() == 1) return absl::StrCat(problem, ". Use ", Quoted(parts[0]), " instead");
  const bool more = parts.size() > kMaxListed;
  if (more) parts.resize(kMaxListed);
  const std::string options = absl::StrJoin(parts, " ", [&option](std::string* out, absl::string_view part) {
    out->append(Option(option.option, absl::StrCat(part, option.suffix)));
  });
  return absl::StrCat(problem, ". Pass several patterns separately: ", options, more ? " ..." : "",
                      " with qconfigctl, or one item of ", option.list, " for each in the API");
}

bool Warn(const std::string& pattern, const PatternOption& option, const std::string& field, WarningList& warnings) {
  const bool is_regex = LooksLikeRegex(pattern);
  if (!is_regex && pattern.find_first_of(kSeparators.data()) == std::string::npos) return false;
  const v1::WarningCode code =
      is_regex ? v1::WARNING_CODE_PATTERN_LOOKS_LIKE_REGEX : v1::WARNING_CODE_PATTERN_HAS_SEPARATOR;
  // Making the messages of thousands of patterns would take too long.
  if (warnings.IsFull(code)) return true;
  warnings.Add(code, field, pattern, is_regex ? RegexMessage(pattern) : SeparatorMessage(pattern, option));
  return true;
}

}  // namespace

bool WarnAboutSyntax(const v1::LayerConfigEntry& entry, const std::string& field, WarningList& warnings) {
  return Warn(entry.pattern(), {"--layer", absl::StrCat("=", entry.scheme()), "layer_config"}, field, warnings);
}

bool WarnAboutExclusionSyntax(const std::string& pattern, const std::string& field, WarningList& warnings) {
  return Warn(pattern, {"--exclude", "", "exclude_layers.patterns"}, field, warnings);
}

}  // namespace qconfig
