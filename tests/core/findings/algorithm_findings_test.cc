// SPDX-License-Identifier: Apache-2.0
#include "core/findings/algorithm_findings.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/core/test_plan.h"

namespace qconfig {
namespace {

std::vector<v1::Finding> FindingsFor(const std::string& options, const std::string& scheme = "int4_wo_128") {
  return FindingsOf(absl::StrCat("spec { model_type: 'llama' scheme: '", scheme, "' ", options, " }", kLlamaModules));
}

// A configuration of `algorithm` in the text format.
std::string Algorithm(absl::string_view algorithm, absl::string_view config) {
  return absl::StrCat("algorithm: '", algorithm, "' algo_configs { algorithm: '", algorithm, "' config { ", algorithm,
                      " { ", config, " } } }");
}

TEST(AlgorithmFindingsTest, LayersOfTheTemplateExist) {
  for (const char* algorithm : {"awq", "gptq", "gptaq", "qronos"}) {
    EXPECT_EQ(Lines(FindingsFor(absl::StrCat("algorithm: '", algorithm, "'"))), "") << algorithm;
  }
  for (const char* algorithm : {"smoothquant", "autosmoothquant", "rotation"}) {
    EXPECT_EQ(Lines(FindingsFor(absl::StrCat("algorithm: '", algorithm, "'"), "int8")), "") << algorithm;
  }
}

TEST(AlgorithmFindingsTest, QuarkFailsWithoutDecoderLayers) {
  const auto findings = FindingsFor(Algorithm("gptq", "model_decoder_layers: 'model.language_model.layers'"));
  ASSERT_EQ(Lines(findings),
            "ALGORITHM_LAYERS_MISSING ERROR spec.algo_configs[0].config 0 Name the layers of this model with "
            "--algo-config, or remove --algorithm 'gptq'\n");
  EXPECT_NE(findings[0].message().find("\"model.language_model.layers\""), std::string::npos);
  EXPECT_EQ(Lines(FindingsFor(Algorithm("gptq", "model_decoder_layers: 'model.layers'"))), "");
}

TEST(AlgorithmFindingsTest, AlgorithmWithoutLayersHasNoEffect) {
  const std::string fix = "Name the layers of this model with --algo-config, or remove --algorithm 'gptq'\n";
  EXPECT_EQ(
      Lines(FindingsFor(Algorithm("gptq", "model_decoder_layers: 'model.layers' inside_layer_modules: 'mlp.fc1'"))),
      "ALGORITHM_LAYERS_MISSING WARNING spec.algo_configs[0].config 0 " + fix);
  EXPECT_EQ(Lines(FindingsFor(Algorithm("gptq",
                                        "model_decoder_layers: 'model.layers' inside_layer_modules: 'mlp.fc1' "
                                        "inside_layer_modules: 'up_proj'"))),
            "ALGORITHM_LAYERS_MISSING INFO spec.algo_configs[0].config 0 " + fix);
}

TEST(AlgorithmFindingsTest, ScalingLayersAreChecked) {
  const auto findings = FindingsFor(Algorithm(
      "awq",
      "model_decoder_layers: 'model.layers' scaling_layers { prev_op: 'input_layernorm' layers: 'attn.q_proj' "
      "layers: 'mlp.up_proj' inp: 'attn.q_proj' }"));
  ASSERT_EQ(findings.size(), 1);
  EXPECT_EQ(findings[0].message(),
            "no decoder layer has these modules of the algorithm awq: \"attn.q_proj\"; the algorithm has no effect on "
            "them");
}

TEST(AlgorithmFindingsTest, QuarkFailsWithoutTheLayersOfARotation) {
  const auto rotation = [](absl::string_view next_module) {
    return Algorithm("rotation", absl::StrCat("scaling_layers { position: 'middle_layers' layers { prev_modules: "
                                              "'model.layers.pre_layer_id.mlp.down_proj' norm_module: 'model.norm' "
                                              "next_modules: '",
                                              next_module, "' } }"));
  };
  EXPECT_EQ(Lines(FindingsFor(rotation("model.layers.layer_id.self_attn.qkv_proj"), "int8")),
            "ALGORITHM_LAYERS_MISSING ERROR spec.algo_configs[0].config 0 Name the layers of this model with "
            "--algo-config, or remove --algorithm 'rotation'\n");
  EXPECT_EQ(Lines(FindingsFor(rotation("model.layers.layer_id.self_attn.q_proj"), "int8")), "");
}

TEST(AlgorithmFindingsTest, LayersOfTheTemplateThatTheModelLacksAreInTheTemplate) {
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'llama' scheme: 'int4_wo_128' algorithm: 'AWQ' }" +
                             LinearModule("model.decoder.layers.0.q_proj"))),
            "ALGORITHM_LAYERS_MISSING ERROR template.algorithm_configs[0].config 0 Name the layers of this model with "
            "--algo-config, or remove --algorithm 'awq'\n");
}

TEST(AlgorithmFindingsTest, QuarkFailsOnSchemesOfTwoStages) {
  const auto findings =
      FindingsOf(absl::StrCat("spec { model_type: 'llama' scheme: 'nvfp4' algorithm: 'gptq' }", kLlamaModules));
  ASSERT_EQ(Lines(findings),
            "ALGORITHM_REJECTS_SCHEME ERROR spec.algorithm[0] 28 Remove --algorithm 'gptq', or use another scheme\n");
  EXPECT_EQ(findings[0].message(),
            "the algorithm gptq fails in Quark if weights are quantized in two stages, as in 28 modules");
}

TEST(AlgorithmFindingsTest, SchemeMattersAlsoIfQuarkFindsTheDecoderLayers) {
  EXPECT_EQ(Lines(FindingsFor(Algorithm("gptq", "inside_layer_modules: 'up_proj'"), "nvfp4")),
            "ALGORITHM_REJECTS_SCHEME ERROR spec.algorithm[0] 4 Remove --algorithm 'gptq', or use another scheme\n");
}

TEST(AlgorithmFindingsTest, SchemeOfModulesOnWhichTheAlgorithmDoesNotWorkDoesNotMatter) {
  EXPECT_EQ(
      Lines(FindingsFor("exclude_layers {} algorithm: 'gptq' layer_config { pattern: 'lm_head' scheme: 'nvfp4' }")),
      "LM_HEAD_QUANTIZED INFO spec.layer_config[0].pattern 1 --exclude '*lm_head'\n");
  EXPECT_EQ(Lines(FindingsFor("algorithm: 'gptq' layer_config { pattern: '*up_proj' scheme: 'nvfp4' }")),
            "ALGORITHM_REJECTS_SCHEME ERROR spec.algorithm[0] 4 Remove --algorithm 'gptq', or use another scheme\n");
}

TEST(AlgorithmFindingsTest, AlgorithmForOtherSchemesWarns) {
  EXPECT_EQ(
      Lines(FindingsFor("algorithm: 'smoothquant'")),
      "ALGORITHM_UNUSUAL_FOR_SCHEME WARNING spec.algorithm[0] 28 Remove --algorithm 'smoothquant', or use another "
      "scheme\n");
}

}  // namespace
}  // namespace qconfig
