// SPDX-License-Identifier: Apache-2.0
#include "core/findings/kv_cache_findings.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/findings/finding_text.h"
#include "core/findings/plan_patterns.h"
#include "core/message_text.h"
#include "core/pattern.h"
#include "core/plan/pattern_index.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

class StrippedPatternFinder {
 public:
  StrippedPatternFinder(const PlanContext& context, CancellationToken& token, FindingList& findings)
      : context_(context),
        token_(token),
        findings_(findings),
        patterns_(context.config.exclude().begin(), context.config.exclude().end()),
        exclusions_(patterns_, {}) {
    for (const v1::PatternUse& use : PlanPatterns(context).exclusions) {
      // In some releases, the configuration has `<pattern>.*` before `<pattern>`.
      do {
        uses_.push_back(&use);
      } while (patterns_[uses_.size() - 1] != use.pattern());
    }
  }

  absl::Status Check(const std::string& pattern) {
    if (!HasWeight(pattern)) return absl::OkStatus();  // the exclusion covers the whole pattern
    QCONFIG_RETURN_IF_ERROR(token_.Spend(context_.modules.size()));
    const Pattern compiled(pattern);
    AffectedModules stripped;
    int64_t excluded = 0;
    const v1::PatternUse* exclusion = nullptr;  // the first that matches
    for (size_t i = 0; i < context_.modules.size(); ++i) {
      const v1::LayerRule& rule = context_.plan.rule(i);
      if (rule.kind() != v1::LAYER_RULE_KIND_KV_CACHE) continue;
      const absl::string_view name = context_.modules.name(i);
      QCONFIG_RETURN_IF_ERROR(token_.Spend((pattern.size() + 1) * (name.size() + 1)));
      if (!compiled.Matches(name)) continue;
      QCONFIG_RETURN_IF_ERROR(exclusions_.FindMatches(name, token_, matches_));
      if (!matches_.empty()) {
        ++excluded;
        if (exclusion == nullptr) exclusion = uses_[matches_.front()];
      } else if (rule.pattern() == pattern) {
        stripped.Add(i);
      }
    }
    if (exclusion != nullptr && stripped.count() > 0) Add(pattern, *exclusion, excluded, stripped);
    return absl::OkStatus();
  }

 private:
  bool HasWeight(const std::string& pattern) const {
    const auto& entries = context_.config.kv_cache_quant_config();
    return std::any_of(entries.begin(), entries.end(), [&pattern](const v1::LayerQuantConfigEntry& entry) {
      return entry.pattern() == pattern && entry.config().weight_size() > 0;
    });
  }

  void Add(const std::string& pattern, const v1::PatternUse& exclusion, int64_t excluded,
           const AffectedModules& stripped) {
    v1::Finding& finding = *findings_.Add(
        v1::FINDING_CODE_KV_CACHE_PATTERN_STRIPPED, v1::FINDING_SEVERITY_WARNING,
        absl::StrCat("the exclusion ", Quoted(exclusion.pattern()), " matches ", Modules(excluded),
                     " of the KV cache pattern ", Quoted(pattern),
                     "; Quark shares one configuration among all modules of this pattern, so the weights of the other ",
                     stripped.count(), " are not quantized either"),
        absl::StrCat("Remove the exclusion ", Quoted(exclusion.pattern()), " for these modules, or ",
                     Option("--kv-cache-scheme", context_.spec.kv_cache_scheme())));
    finding.set_field(exclusion.field());
    stripped.CopyTo(context_.modules, finding);
  }

  const PlanContext& context_;
  CancellationToken& token_;
  FindingList& findings_;
  const std::vector<absl::string_view> patterns_;  // of exclusions, as in the configuration
  const PatternIndex exclusions_;
  std::vector<const v1::PatternUse*> uses_;  // by position in `patterns_`
  std::vector<uint32_t> matches_;            // positions in `patterns_`
};

}  // namespace

absl::Status FindKvCacheFindings(const PlanContext& context, CancellationToken& token, FindingList& findings) {
  if (context.plan.stripped.empty()) return absl::OkStatus();
  StrippedPatternFinder finder(context, token, findings);
  for (const std::string& pattern : context.plan.stripped) QCONFIG_RETURN_IF_ERROR(finder.Check(pattern));
  return absl::OkStatus();
}

}  // namespace qconfig
