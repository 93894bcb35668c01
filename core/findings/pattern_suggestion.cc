// SPDX-License-Identifier: Apache-2.0
#include "core/findings/pattern_suggestion.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/nearest_names.h"
#include "core/pattern.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

absl::string_view WithoutStars(absl::string_view part) {
  while (absl::ConsumePrefix(&part, "*")) {
  }
  while (absl::ConsumeSuffix(&part, "*")) {
  }
  return part;
}

bool IsNumber(absl::string_view part) { return WithoutNumbers(part) == "0"; }

}  // namespace

absl::Status PatternSuggester::CollectParts(CancellationToken& token) {
  constexpr size_t kMaxParts = 1000;
  QCONFIG_ASSIGN_OR_RETURN(const auto shapes, shapes_.Get(token));
  absl::flat_hash_set<absl::string_view> seen;
  for (const NameShapes::Shape& shape : shapes) {
    for (const absl::string_view part : absl::StrSplit(modules_.name(shape.module), '.')) {
      if (parts_.size() == kMaxParts) return absl::OkStatus();
      if (!IsNumber(part) && seen.insert(part).second) parts_.push_back(part);
    }
  }
  return absl::OkStatus();
}

bool PatternSuggester::IsKnown(absl::string_view part, bool whole) const {
  const std::string text = WithoutNumbers(part);
  return std::any_of(parts_.begin(), parts_.end(), [&text, whole](absl::string_view known) {
    const std::string known_text = WithoutNumbers(known);
    return whole ? known_text == text : absl::StrContains(known_text, text);
  });
}

// Replaces the first part that is similar to a part of a name, but is none.
std::string PatternSuggester::Corrected(absl::string_view pattern) const {
  std::vector<std::string> parts = absl::StrSplit(pattern, '.');
  for (std::string& part : parts) {
    const absl::string_view text = WithoutStars(part);
    if (text.empty() || Pattern::HasWildcard(text) || IsNumber(text)) continue;
    if (IsKnown(text, /*whole=*/text.size() == part.size())) continue;
    const auto nearest = NearestNames(text, parts_, 1);
    if (nearest.empty()) continue;
    const size_t start = static_cast<size_t>(text.data() - part.data());
    part.replace(start, text.size(), nearest.front().data(), nearest.front().size());
    break;
  }
  return absl::StrJoin(parts, ".");
}

absl::StatusOr<std::string> PatternSuggester::Suggest(absl::string_view pattern, CancellationToken& token) {
  constexpr size_t kMaxChars = 256;
  constexpr size_t kStepsPerSearch = 4'000'000;  // see NearestNames()
  if (pattern.empty() || pattern.size() > kMaxChars || ++searches_ > kMaxSearches) return "";
  QCONFIG_RETURN_IF_ERROR(token.Spend(kStepsPerSearch));
  if (parts_.empty()) QCONFIG_RETURN_IF_ERROR(CollectParts(token));
  const std::string corrected = Corrected(pattern);
  std::vector<std::string> candidates;
  if (corrected != pattern) candidates.push_back(corrected);
  const bool open_start = absl::StartsWith(corrected, "*");
  const bool open_end = absl::EndsWith(corrected, "*");
  if (!open_start) candidates.push_back(absl::StrCat("*.", corrected));
  if (!open_end) candidates.push_back(absl::StrCat(corrected, ".*"));
  if (!open_start && !open_end) candidates.push_back(absl::StrCat("*.", corrected, ".*"));
  const auto is_quantizable = [this](size_t module) {
    return plan_.rule(module).kind() != v1::LAYER_RULE_KIND_NOT_QUANTIZABLE ||
           absl::StartsWith(modules_.message(module).type(), "Embedding");  // an override would quantize it
  };
  for (std::string& candidate : candidates) {
    QCONFIG_ASSIGN_OR_RETURN(const bool matches, shapes_.MatchesModule(candidate, token, is_quantizable));
    if (matches) return std::move(candidate);
  }
  return "";
}

}  // namespace qconfig
