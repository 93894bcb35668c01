// SPDX-License-Identifier: Apache-2.0
#include "core/excluded_overrides.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/message_text.h"

namespace qconfig {
namespace {

// "*lm_head" for "lm_head", and similar.
bool IsNameWithStars(absl::string_view pattern, absl::string_view name) {
  while (absl::ConsumePrefix(&pattern, "*")) {
  }
  while (absl::ConsumeSuffix(&pattern, "*")) {
  }
  return pattern == name;
}

}  // namespace

ExcludedOverrides::ExcludedOverrides(const CatalogTraits& traits, const v1::ConfigSpec& spec,
                                     const v1::LlmTemplate& llm_template)
    : llm_template_(llm_template), from_template_(!spec.has_exclude_layers()) {
  const auto& texts = from_template_ ? llm_template.exclude_layers_name() : spec.exclude_layers().patterns();
  for (const std::string& text : texts) {
    steps_ += text.size();
    if (steps_ >= kMaxSteps) return;
    Exclusion& exclusion = exclusions_.emplace_back(Exclusion{text, {}});
    exclusion.patterns.emplace_back(text);
    if (traits.exclude_patterns_expanded && !absl::EndsWith(text, ".*")) exclusion.patterns.emplace_back(text + ".*");
  }
}

std::string ExcludedOverrides::Explain(const std::string& text, const Pattern& pattern) {
  std::vector<bool> excludes;
  for (const Exclusion& exclusion : exclusions_) {
    if (steps_ >= kMaxSteps) return "";
    excludes.push_back(Excludes(exclusion, text, pattern));
    // All exclusions of the template count, because its list can only be replaced as a whole.
    if (excludes.back() && !from_template_) break;
  }
  const auto first = std::find(excludes.begin(), excludes.end(), true);
  if (first == excludes.end()) return "";
  if (from_template_) return ExplainTemplate(excludes);
  const auto index = static_cast<size_t>(first - excludes.begin());
  return absl::StrCat("never applies, because exclusions come first and spec.exclude_layers.patterns[", index, "] ",
                      Quoted(exclusions_[index].text), " excludes its layers. Remove one of them");
}

bool ExcludedOverrides::Excludes(const Exclusion& exclusion, const std::string& text, const Pattern& pattern) {
  ++steps_;
  for (const Pattern& excluded : exclusion.patterns) {
    if (excluded.Covers(pattern, steps_)) return true;
  }
  // A template's exclusion without wildcards is the name of a module of its models. The request means this module,
  // although its pattern would also match others.
  return from_template_ && !Pattern::HasWildcard(exclusion.text) && IsNameWithStars(text, exclusion.text);
}

std::string ExcludedOverrides::ExplainTemplate(const std::vector<bool>& excludes) const {
  constexpr int kMaxListed = 16;
  std::string reason, rest;
  int kept = 0;
  for (size_t i = 0; i < excludes.size(); ++i) {
    const std::string& text = exclusions_[i].text;
    if (excludes[i]) {
      if (reason.empty()) reason = Quoted(text);
    } else if (++kept <= kMaxListed) {
      absl::StrAppend(&rest, rest.empty() ? "" : " ", Option("--exclude", text));
    } else if (kept == kMaxListed + 1) {
      absl::StrAppend(&rest, " ...");
    }
  }
  if (rest.empty()) rest = "--exclude-nothing";
  return absl::StrCat("never applies, because exclusions come first and the template ", llm_template_.model_type(),
                      " excludes ", reason, ". To quantize these layers, set exclude_layers, which replaces the ",
                      "template's list, to the rest of that list (qconfigctl: ", rest, ")");
}

}  // namespace qconfig
