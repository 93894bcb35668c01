// SPDX-License-Identifier: Apache-2.0
#include "core/findings/coverage_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/core/test_plan.h"

namespace qconfig {
namespace {

TEST(CoverageFindingsTest, ExcludingEverythingWarns) {
  const auto findings = [](const std::string& options) {
    return Lines(FindingsOf(absl::StrCat("spec { model_type: 'llama' scheme: 'fp8' ", options, " }", kLlamaModules)));
  };
  EXPECT_EQ(
      findings("exclude_layers { patterns: '*' }"),
      "NOTHING_QUANTIZED WARNING spec.exclude_layers 0 Exclude fewer layers with --exclude, or list the experts as "
      "separate modules\n");
  EXPECT_EQ(findings("exclude_layers { patterns: '*[!0]*proj' patterns: 'lm_head' }"
                     "layer_config { pattern: '*.embed_tokens' scheme: 'int8' }"),
            "EMBEDDING_QUANTIZED INFO spec.layer_config[0].pattern 1 --exclude '*[!0]*proj' --exclude 'lm_head' "
            "--exclude '*embed_tokens'\n");
}

TEST(CoverageFindingsTest, KvCacheOfExcludedLayersQuantizesNoWeight) {
  EXPECT_EQ(
      Lines(FindingsOf(absl::StrCat("spec { model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8' "
                                    "exclude_layers { patterns: '*' } }",
                                    kLlamaModules))),
      "NOTHING_QUANTIZED WARNING spec.exclude_layers 0 Exclude fewer layers with --exclude, or list the experts as "
      "separate modules\n");
}

TEST(CoverageFindingsTest, ModulesThatQuarkCannotQuantizeWarn) {
  EXPECT_EQ(
      Lines(FindingsOf("spec { model_type: 'llama' scheme: 'fp8' } modules { name: 'a' type: 'LayerNorm' }"
                       "modules { name: 'b' type: 'Embedding' }")),
      "NOTHING_QUANTIZED WARNING  0 Add the linear layers of the model to the list of modules, with their types\n");
}

TEST(CoverageFindingsTest, ModelOfTypesThatQuarkCannotQuantizeHasOnlyThisFinding) {
  const auto findings = FindingsOf(
      "spec { model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8' algorithm: 'gptq' }"
      "modules { name: 'h.{0..11}.attn.c_attn' type: 'Conv1D' } modules { name: 'h.{0..11}.ln_1' type: 'LayerNorm' }" +
      LinearModule("lm_head"));
  EXPECT_EQ(Lines(findings),
            "NOTHING_QUANTIZED WARNING  0 Replace these modules by Linear in the model, or leave the model as it is\n");
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings.front().message(),
            "no weight is quantized: 12 modules have the type Conv1D, and Quark quantizes only Linear, Conv2d and "
            "ConvTranspose2d");
  const std::string spec = "spec { model_type: 'llama' scheme: 'fp8' }";
  EXPECT_EQ(Lines(FindingsOf(spec + "modules { name: 'up.{0..3}' type: 'ConvTranspose1d' }")),
            "NOTHING_QUANTIZED WARNING  0 Leave the model as it is\n");
  EXPECT_THAT(Lines(FindingsOf(spec + "modules { name: 'a.{0..3}' type: 'ConvolutedMixer' }")),
              testing::HasSubstr("Add the linear layers of the model"));
  const std::string layers = "modules { name: 'a.{0..1}.conv' type: 'Conv1d' }" + LinearModule("b.{0..1}.proj");
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: '*' } }" + layers)),
            "NOTHING_QUANTIZED WARNING spec.exclude_layers 0 Exclude fewer layers with --exclude, or list the experts "
            "as separate modules\nTEMPLATE_DOES_NOT_FIT INFO spec.model_type 0 Register a template for this model\n");
}

TEST(CoverageFindingsTest, TemplateWithoutMatchingProjectionsWarnsAndNamesBetterOnes) {
  const std::string modules =
      absl::StrCat(LinearModule("transformer.encoder.layers.{0..3}.self_attention.query_key_value"),
                   LinearModule("transformer.encoder.layers.{0..3}.mlp.dense_h_to_4h"));
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'llama' scheme: 'fp8' }" + modules)),
            "TEMPLATE_DOES_NOT_FIT WARNING spec.model_type 0 Use the template chatglm\n");
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'chatglm' scheme: 'fp8' }" + modules)), "");
}

TEST(CoverageFindingsTest, OneMatchingProjectionIsEnough) {
  EXPECT_EQ(
      Lines(FindingsOf("spec { model_type: 'llama' scheme: 'fp8' }" + LinearModule("model.layers.0.mlp.up_proj"))), "");
}

TEST(CoverageFindingsTest, ProjectionsAfterManyOtherModulesAreFound) {
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'llama' scheme: 'fp8' }" + LinearModule("other.{0..5000}") +
                             LinearModule("model.layers.0.mlp.up_proj"))),
            "");
}

TEST(CoverageFindingsTest, ModelThatNoTemplateFitsIsOnlyNoted) {
  const std::string modules = LinearModule("model.layers.{0..3}.mamba.in_proj");
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'llama' scheme: 'fp8' }" + modules)),
            "TEMPLATE_DOES_NOT_FIT INFO spec.model_type 0 Register a template for this model\n");
  const std::string with_kv_cache =
      Lines(FindingsOf("spec { model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8' }" + modules));
  EXPECT_TRUE(absl::StrContains(with_kv_cache, "TEMPLATE_DOES_NOT_FIT WARNING")) << with_kv_cache;
}

}  // namespace
}  // namespace qconfig
