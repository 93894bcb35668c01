// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_PLAN_PATTERNS_H_
#define QCONFIG_CORE_FINDINGS_PLAN_PATTERNS_H_

#include "absl/types/span.h"
#include "core/findings/finding_list.h"

namespace qconfig {

// The parts of LayerPlan::patterns.
struct PlanPatterns {
  explicit PlanPatterns(const PlanContext& context) {
    absl::Span<const v1::PatternUse> rest = context.plan.patterns;
    const auto take = [&rest](size_t count) {
      const auto part = rest.first(count);
      rest.remove_prefix(count);
      return part;
    };
    const auto kv_cache_size = static_cast<size_t>(context.config.kv_cache_quant_config_size());
    exclusions =
        take(static_cast<size_t>(context.spec.has_exclude_layers() ? context.spec.exclude_layers().patterns_size()
                                                                   : context.llm_template.exclude_layers_name_size()));
    overrides = take(static_cast<size_t>(context.spec.layer_config_size()));
    attention = take(rest.size() - kv_cache_size);
    kv_cache = rest;
  }

  absl::Span<const v1::PatternUse> exclusions;
  // In the order of `spec.layer_config`. The KV cache or attention may have replaced the configuration of an override.
  absl::Span<const v1::PatternUse> overrides;
  absl::Span<const v1::PatternUse> attention;  // Q projections that are not among the overrides
  absl::Span<const v1::PatternUse> kv_cache;   // in the order of `config.kv_cache_quant_config`
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_PLAN_PATTERNS_H_
