// SPDX-License-Identifier: Apache-2.0
#include "core/findings/pattern_findings.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/core/test_plan.h"

namespace qconfig {
namespace {

std::string FindingsFor(const std::string& options, const std::string& modules = kLlamaModules) {
  return Lines(FindingsOf(absl::StrCat("spec { model_type: 'llama' scheme: 'fp8' ", options, " }", modules)));
}

TEST(PatternFindingsTest, OrdinaryPlanHasNoFindings) {
  EXPECT_EQ(FindingsFor("kv_cache_scheme: 'fp8' attention_scheme: 'fp8'"), "");
}

TEST(PatternFindingsTest, MisspelledExclusionHasASuggestion) {
  EXPECT_EQ(FindingsFor("exclude_layers { patterns: 'lm_head' patterns: '*self_atn.q_proj' }"),
            "PATTERN_MATCHES_NOTHING WARNING spec.exclude_layers.patterns[1] 0 --exclude '*self_attn.q_proj'\n");
  EXPECT_EQ(FindingsFor("exclude_layers { patterns: 'lm_head' patterns: '*self_attn.q_proj' }"), "");
}

TEST(PatternFindingsTest, MisspelledOverrideHasASuggestion) {
  EXPECT_EQ(FindingsFor("layer_config { pattern: '*.dwn_proj' scheme: 'int8' }"),
            "PATTERN_MATCHES_NOTHING WARNING spec.layer_config[0].pattern 0 --layer '*.down_proj=int8'\n");
  EXPECT_EQ(FindingsFor("layer_config { pattern: '*.down_proj' scheme: 'int8' }"), "");
}

TEST(PatternFindingsTest, PatternWithoutTheStartOfTheNameHasASuggestion) {
  EXPECT_EQ(FindingsFor("layer_config { pattern: 'layers.2.mlp.up_proj' scheme: 'int8' }"),
            "PATTERN_MATCHES_NOTHING WARNING spec.layer_config[0].pattern 0 --layer '*.layers.2.mlp.up_proj=int8'\n");
  EXPECT_EQ(FindingsFor("layer_config { pattern: 'model.layers.2.mlp' scheme: 'int8' }"),
            "PATTERN_MATCHES_NOTHING WARNING spec.layer_config[0].pattern 0 --layer 'model.layers.2.mlp.*=int8'\n");
}

TEST(PatternFindingsTest, UnknownNameHasNoSuggestion) {
  EXPECT_EQ(FindingsFor("layer_config { pattern: '*router*' scheme: 'int8' }"),
            "PATTERN_MATCHES_NOTHING WARNING spec.layer_config[0].pattern 0 Remove --layer '*router*=int8'\n");
}

TEST(PatternFindingsTest, LayerNumberThatDoesNotExistHasNoSuggestion) {
  EXPECT_EQ(FindingsFor("layer_config { pattern: 'model.layers.4.*' scheme: 'int8' }"),
            "PATTERN_MATCHES_NOTHING WARNING spec.layer_config[0].pattern 0 Remove --layer 'model.layers.4.*=int8'\n");
  EXPECT_EQ(FindingsFor("layer_config { pattern: 'model.layers.3.*' scheme: 'int8' }"), "");
  EXPECT_EQ(FindingsFor("layer_config { pattern: 'layers.4.mlp.up_proj' scheme: 'int8' }"),
            "PATTERN_MATCHES_NOTHING WARNING spec.layer_config[0].pattern 0 Remove --layer "
            "'layers.4.mlp.up_proj=int8'\n");
  EXPECT_EQ(FindingsFor("exclude_layers { patterns: 'lm_head' patterns: 'model.layers.4.*' }"),
            "PATTERN_MATCHES_NOTHING WARNING spec.exclude_layers.patterns[1] 0 Remove --exclude 'model.layers.4.*'\n");
}

TEST(PatternFindingsTest, ExclusionOfModulesThatQuarkNeverQuantizesIsOnlyNoted) {
  EXPECT_EQ(FindingsFor("exclude_layers { patterns: 'lm_head' patterns: '*layernorm' }"),
            "PATTERN_MATCHES_NOTHING INFO spec.exclude_layers.patterns[1] 0 Remove --exclude '*layernorm'\n");
  EXPECT_EQ(FindingsFor("layer_config { pattern: '*layernorm' scheme: 'int8' }"),
            "PATTERN_MATCHES_NOTHING WARNING spec.layer_config[0].pattern 0 Remove --layer '*layernorm=int8'\n");
}

TEST(PatternFindingsTest, UnusedExclusionsOfABuiltInTemplateAreNotReported) {
  const std::string modules = absl::StrCat(LinearModule("model.layers.0.self_attn.q_proj"), LinearModule("lm_head"));
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'mixtral' scheme: 'fp8' }" + modules)), "");
  // A request that adds to the template's list has to repeat it.
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'mixtral' scheme: 'fp8' exclude_layers { patterns: 'lm_head' "
                             "patterns: '*.gate' patterns: '*.gate.linear' } }" +
                             modules)),
            "");
}

TEST(PatternFindingsTest, UnusedExclusionsOfATenantsTemplateAreOneFinding) {
  const Snapshot snapshot = WithTemplate(
      "model_type: 'mine' kv_layers_name: '*k_proj' exclude_layers_name: 'lm_head' exclude_layers_name: '*a'"
      "exclude_layers_name: '*b'");
  EXPECT_EQ(Lines(FindingsOf(absl::StrCat("spec { model_type: 'mine' scheme: 'fp8' }", kLlamaModules), snapshot)),
            "PATTERN_MATCHES_NOTHING INFO template.exclude_layers_name[1] 0 \n");
}

TEST(PatternFindingsTest, KvCacheWithoutKAndVLayersWarns) {
  const std::string modules =
      absl::StrCat(LinearModule("model.layers.{0..3}.self_attn.qkv"), LinearModule("model.layers.{0..3}.mlp.up_proj"));
  EXPECT_EQ(FindingsFor("kv_cache_scheme: 'fp8' exclude_layers {}", modules),
            "PATTERN_MATCHES_NOTHING WARNING template.kv_layers_name[0] 0 Remove --kv-cache-scheme 'fp8', or use a "
            "template that names the K and V projections of this model\n");
  EXPECT_EQ(FindingsFor("exclude_layers {}", modules), "");
}

TEST(PatternFindingsTest, AttentionWithoutQLayersWarns) {
  const std::string modules = LinearModule("model.layers.{0..3}.mlp.up_proj");
  EXPECT_EQ(FindingsFor("attention_scheme: 'fp8' exclude_layers {}", modules),
            "PATTERN_MATCHES_NOTHING WARNING template.q_layer_name[0] 0 Remove --attention-scheme 'fp8', or use a "
            "template that names the Q projections of this model\n");
}

TEST(PatternFindingsTest, QLayersOfAnotherVariantAreOnlyNoted) {
  const std::string modules = LinearModule("model.layers.{0..3}.mlp.q_b_proj");
  EXPECT_EQ(
      Lines(FindingsOf("spec { model_type: 'deepseek_v2' scheme: 'fp8' attention_scheme: 'fp8' }" + modules)),
      "PATTERN_MATCHES_NOTHING INFO template.q_layer_name[0] 0 Remove --attention-scheme 'fp8', or use a template "
      "that names the Q projections of this model\n");
}

TEST(PatternFindingsTest, ManyUnmatchedPatternsAreAllCounted) {
  std::string patterns;
  for (int i = 0; i < 5'000; ++i) absl::StrAppend(&patterns, "patterns: '*x", i, "*' ");
  const auto findings =
      FindingsOf(absl::StrCat("spec { model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: 'lm_head' ",
                              patterns, "} }", kLlamaModules));
  EXPECT_EQ(findings.size(), FindingList::kMaxFindings);
}

}  // namespace
}  // namespace qconfig
