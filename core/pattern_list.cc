// SPDX-License-Identifier: Apache-2.0
#include "core/pattern_list.h"

#include "core/status_macros.h"

namespace qconfig {

void PatternList::Add(absl::string_view pattern) { entries_.push_back({Pattern(pattern), pattern.size()}); }

absl::StatusOr<std::optional<size_t>> PatternList::Winner(const std::u32string& name, CancellationToken& token) const {
  for (size_t i = 0; i < entries_.size(); ++i) {
    QCONFIG_RETURN_IF_ERROR(token.Spend((entries_[i].chars + 1) * (name.size() + 1)));
    if (entries_[i].pattern.Matches(name)) return i;
  }
  return std::nullopt;
}

}  // namespace qconfig
