// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PATTERN_LIST_H_
#define QCONFIG_CORE_PATTERN_LIST_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/cancellation.h"
#include "core/pattern.h"

namespace qconfig {

// The ordered patterns of overrides or exclusions, compiled once, and the rule by which Quark decides which of them
// wins a module name: the first one that matches. A pattern without wildcards has no precedence here: this is the rule
// that Quark follows when it asks what a projection gets so far.
// Const methods are thread-safe, each with a token of its own.
class PatternList {
 public:
  PatternList() = default;

  // Adds a pattern after the others. It loses every name that an earlier pattern matches.
  void Add(absl::string_view pattern);

  // The position of the pattern that wins `name`; nullopt if no pattern matches.
  // An error of `token` if the computation was cancelled. Takes at most |pattern| x |name| steps for each pattern.
  absl::StatusOr<std::optional<size_t>> Winner(const std::u32string& name, CancellationToken& token) const;

 private:
  struct Entry {
    Pattern pattern;
    size_t chars;  // at most this many tokens
  };
  std::vector<Entry> entries_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_PATTERN_LIST_H_
