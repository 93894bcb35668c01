// SPDX-License-Identifier: Apache-2.0
#include "core/findings/override_findings.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/core/test_plan.h"

namespace qconfig {
namespace {

std::vector<v1::Finding> FindingsFor(const std::string& options) {
  return FindingsOf(absl::StrCat("spec { model_type: 'llama' scheme: 'fp8' ", options, " }", kLlamaModules));
}

TEST(OverrideFindingsTest, ExcludedOverrideWarns) {
  const auto findings = FindingsFor("layer_config { pattern: '*lm_head' scheme: 'int8' }");
  EXPECT_EQ(
      Lines(findings),
      "OVERRIDE_NEVER_WINS WARNING spec.layer_config[0].pattern 1 Remove --layer '*lm_head=int8', or the exclusion "
      "\"lm_head\"\n");
  EXPECT_EQ(findings[0].message(),
            "the override \"*lm_head\" matches 1 module but has no effect, because the exclusion \"lm_head\" takes "
            "precedence");
}

TEST(OverrideFindingsTest, OverrideAfterABroaderOneWarns) {
  const auto findings = FindingsFor(
      "layer_config { pattern: '*mlp*' scheme: 'int8' } layer_config { pattern: '*up_proj' scheme: 'ptpc_fp8' }");
  EXPECT_EQ(Lines(findings),
            "OVERRIDE_NEVER_WINS WARNING spec.layer_config[1].pattern 4 Put --layer '*up_proj=ptpc_fp8' before the "
            "override \"*mlp*\"\n");
  EXPECT_EQ(Lines(FindingsFor("layer_config { pattern: '*up_proj' scheme: 'ptpc_fp8' }"
                              "layer_config { pattern: '*mlp*' scheme: 'int8' }")),
            "");
}

TEST(OverrideFindingsTest, OverrideWhoseModulesAllHaveExactOverridesWarns) {
  const std::string exact = "layer_config { pattern: 'model.layers.1.mlp.up_proj' scheme: 'int8' }";
  const auto findings = FindingsFor("layer_config { pattern: '*.1.mlp.u*' scheme: 'ptpc_fp8' }" + exact);
  EXPECT_EQ(Lines(findings),
            "OVERRIDE_NEVER_WINS WARNING spec.layer_config[0].pattern 1 Remove --layer '*.1.mlp.u*=ptpc_fp8'\n");
  EXPECT_NE(findings[0].message().find("exact name \"model.layers.1.mlp.up_proj\""), std::string::npos);
  EXPECT_EQ(Lines(FindingsFor("layer_config { pattern: '*.mlp.u*' scheme: 'ptpc_fp8' }" + exact)), "");
}

TEST(OverrideFindingsTest, OverrideThatTheKvCacheReplacesWarns) {
  // Quark takes the first override that mentions attention for both K and V.
  const auto findings = FindingsFor(
      "kv_cache_scheme: 'fp8' layer_config { pattern: '*.self_attn.k_proj' scheme: 'int8' }"
      "layer_config { pattern: 'model.layers.1.self_attn.v_proj' scheme: 'ptpc_fp8' }");
  ASSERT_EQ(Lines(findings), "OVERRIDE_NEVER_WINS WARNING spec.layer_config[1].pattern 1 --layer '*v_proj=ptpc_fp8'\n");
  EXPECT_NE(findings[0].message().find("the KV cache configuration of \"*v_proj\" takes precedence"),
            std::string::npos);
}

TEST(OverrideFindingsTest, OverrideOfAProjectionAfterABroaderOneWarns) {
  // Quark replaces the configuration of the second override with that of the first one.
  for (const char* options : {"kv_cache_scheme: 'fp8'", "attention_scheme: 'fp8'"}) {
    const bool kv_cache = options[0] == 'k';
    const std::string broad = "layer_config { pattern: '*_proj' scheme: 'int8' }";
    const std::string projection =
        absl::StrCat("layer_config { pattern: '", kv_cache ? "*k_proj" : "*q_proj", "' scheme: 'ptpc_fp8' }");
    EXPECT_EQ(Lines(FindingsFor(absl::StrCat(options, broad, projection))),
              absl::StrCat("OVERRIDE_NEVER_WINS WARNING spec.layer_config[1].pattern 4 Put --layer '",
                           kv_cache ? "*k_proj=ptpc_fp8' before the other overrides\n"
                                    : "*q_proj=ptpc_fp8' before the override \"*_proj\"\n"));
    EXPECT_EQ(Lines(FindingsFor(absl::StrCat(options, projection, broad))), "");
  }
}

TEST(OverrideFindingsTest, OverrideFromWhichTheKvCacheTakesItsWeightHasAnEffect) {
  EXPECT_EQ(Lines(FindingsFor("kv_cache_scheme: 'fp8' layer_config { pattern: '*.self_attn.k_proj' scheme: 'int8' }")),
            "");
}

TEST(OverrideFindingsTest, LayerTypeWithoutModulesWarns) {
  EXPECT_EQ(
      Lines(FindingsFor("layer_type_config { layer_type: 'Conv2d' scheme: 'int8' }")),
      "PATTERN_MATCHES_NOTHING WARNING spec.layer_type_config[0].layer_type 0 Remove --layer-type 'Conv2d=int8'\n");
  EXPECT_EQ(Lines(FindingsFor("layer_type_config { layer_type: 'Linear' scheme: 'int8' }")), "");
}

TEST(OverrideFindingsTest, LayerTypeThatNeverWinsWarns) {
  EXPECT_EQ(Lines(FindingsFor("layer_type_config { layer_type: 'Linear' scheme: 'int8' }"
                              "layer_config { pattern: '*layers*' scheme: 'ptpc_fp8' }")),
            "OVERRIDE_NEVER_WINS WARNING spec.layer_type_config[0].layer_type 29 Remove --layer-type 'Linear=int8'\n");
}

}  // namespace
}  // namespace qconfig
