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

// The ordered patterns of overrides or exclusions, compiled once. The first pattern that matches a module name wins it,
// as when Quark looks up the configuration that a projection has so far. In that lookup, a pattern without wildcards
// has no precedence.
// Const methods are thread-safe if each call has its own token.
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
