// SPDX-License-Identifier: Apache-2.0
#include "core/findings/kv_cache_findings.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/core/test_plan.h"

namespace qconfig {
namespace {

std::vector<v1::Finding> FindingsFor(const std::string& options) {
  return FindingsOf(absl::StrCat("spec { model_type: 'llama' scheme: 'fp8' ", options, " }", kLlamaModules));
}

TEST(KvCacheFindingsTest, ExclusionOfOneKLayerStripsTheOthers) {
  const std::string exclusions = "exclude_layers { patterns: 'lm_head' patterns: 'model.layers.2.self_attn.k_proj' }";
  const auto findings = FindingsFor("kv_cache_scheme: 'fp8'" + exclusions);
  ASSERT_EQ(Lines(findings),
            "KV_CACHE_PATTERN_STRIPPED WARNING spec.exclude_layers.patterns[1] 3 Remove the exclusion "
            "\"model.layers.2.self_attn.k_proj\" for these modules, or --kv-cache-scheme 'fp8'\n");
  EXPECT_EQ(findings[0].modules(0), "model.layers.0.self_attn.k_proj");
  EXPECT_EQ(Lines(FindingsFor(exclusions)), "");
}

TEST(KvCacheFindingsTest, ExclusionOfALayerNumberStripsBothPatterns) {
  EXPECT_EQ(
      Lines(FindingsFor("kv_cache_scheme: 'fp8' exclude_layers { patterns: 'lm_head' patterns: '*.layers.0' }")),
      "KV_CACHE_PATTERN_STRIPPED WARNING spec.exclude_layers.patterns[1] 3 Remove the exclusion \"*.layers.0\" for "
      "these modules, or --kv-cache-scheme 'fp8'\n"
      "KV_CACHE_PATTERN_STRIPPED WARNING spec.exclude_layers.patterns[1] 3 Remove the exclusion \"*.layers.0\" for "
      "these modules, or --kv-cache-scheme 'fp8'\n");
}

TEST(KvCacheFindingsTest, ExclusionOfAllLayersOfThePatternIsIntended) {
  for (const char* pattern : {"*k_proj", "*self_attn*"}) {
    EXPECT_EQ(Lines(FindingsFor(absl::StrCat("kv_cache_scheme: 'fp8' exclude_layers { patterns: 'lm_head' patterns: '",
                                             pattern, "' }"))),
              "")
        << pattern;
  }
}

TEST(KvCacheFindingsTest, OverrideOfAStrippedLayerIsNotReportedTwice) {
  EXPECT_EQ(Lines(FindingsFor("kv_cache_scheme: 'fp8' layer_config { pattern: '*.self_attn.k_proj' scheme: 'int8' }"
                              "exclude_layers { patterns: 'lm_head' patterns: 'model.layers.2.self_attn.k_proj' }")),
            "KV_CACHE_PATTERN_STRIPPED WARNING spec.exclude_layers.patterns[1] 3 Remove the exclusion "
            "\"model.layers.2.self_attn.k_proj\" for these modules, or --kv-cache-scheme 'fp8'\n");
}

}  // namespace
}  // namespace qconfig
