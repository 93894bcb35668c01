// SPDX-License-Identifier: Apache-2.0
#include "core/runtimes/exported_overrides.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/pattern.h"
#include "core/status_macros.h"

namespace qconfig {

ExportedOverrides::ExportedOverrides(const v1::QConfig& config, const Runtime& runtime)
    : entries_(SortedEntries(config, runtime)), patterns_(Patterns(entries_)), index_(patterns_, {}) {}

bool ExportedOverrides::IsMisread(absl::string_view pattern, const Runtime& runtime) {
  return runtime.needs_star && Pattern::HasWildcard(pattern) && !absl::StrContains(pattern, '*');
}

ExportedOverrides::Entries ExportedOverrides::SortedEntries(const v1::QConfig& config, const Runtime& runtime) {
  Entries entries;
  for (const v1::LayerQuantConfigEntry& entry : config.layer_quant_config()) {
    if (!IsMisread(entry.pattern(), runtime)) entries.push_back(&entry);
  }
  std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->pattern() < b->pattern(); });
  return entries;
}

std::vector<absl::string_view> ExportedOverrides::Patterns(const Entries& entries) {
  std::vector<absl::string_view> patterns;
  patterns.reserve(entries.size());
  for (const auto* entry : entries) patterns.push_back(entry->pattern());
  return patterns;
}

absl::StatusOr<const v1::LayerQuantConfigEntry*> ExportedOverrides::Find(absl::string_view name,
                                                                         CancellationToken& token) {
  QCONFIG_RETURN_IF_ERROR(index_.FindMatches(name, token, matches_));
  return matches_.empty() ? nullptr : entries_[matches_.front()];
}

absl::StatusOr<const v1::LayerQuantConfigEntry*> ExportedOverrides::FindForExperts(absl::string_view list,
                                                                                   CancellationToken& token) {
  QCONFIG_ASSIGN_OR_RETURN(const v1::LayerQuantConfigEntry* entry, Find(list, token));
  if (entry != nullptr) return entry;
  const std::string below = absl::StrCat(list, ".");
  for (auto it = std::lower_bound(patterns_.begin(), patterns_.end(), below);
       it != patterns_.end() && absl::StartsWith(*it, below); ++it) {
    QCONFIG_RETURN_IF_ERROR(token.Spend(below.size()));
    if (!Pattern::HasWildcard(*it)) return entries_[static_cast<size_t>(it - patterns_.begin())];
  }
  return nullptr;
}

}  // namespace qconfig
