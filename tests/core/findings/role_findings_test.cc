// SPDX-License-Identifier: Apache-2.0
#include "core/findings/role_findings.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/core/test_plan.h"

namespace qconfig {
namespace {

// Findings for a Llama with more linear modules, whose embedding is the module "embed".
std::string FindingsFor(const std::string& options, const std::vector<std::string>& names = {}) {
  std::string request = absl::StrCat("spec { model_type: 'llama' scheme: 'fp8' ", options, " }",
                                     LinearModule("model.layers.{0..1}.self_attn.q_proj"));
  for (const std::string& name : names) absl::StrAppend(&request, LinearModule(name));
  return Lines(FindingsOf(request));
}

TEST(RoleFindingsTest, QuantizedRouterWarns) {
  EXPECT_EQ(FindingsFor("", {"model.layers.{0..1}.mlp.gate"}),
            "ROUTER_QUANTIZED WARNING spec.scheme 2 --exclude 'lm_head' --exclude '*mlp.gate'\n");
  EXPECT_EQ(FindingsFor("", {"model.layers.{0..1}.feed_forward.router"}),
            "ROUTER_QUANTIZED WARNING spec.scheme 2 --exclude 'lm_head' --exclude '*router'\n");
  EXPECT_EQ(FindingsFor("exclude_layers { patterns: '*router*' }", {"model.layers.{0..1}.feed_forward.router"}), "");
}

TEST(RoleFindingsTest, GateProjectionIsNoRouter) {
  EXPECT_EQ(FindingsFor("", {"model.layers.0.mlp.gate_proj", "model.layers.0.mlp.gate_up_proj",
                             "model.layers.0.attn.gate", "model.layers.0.compressor.gate_proj"}),
            "");
}

TEST(RoleFindingsTest, QuantizedHeadWarns) {
  EXPECT_EQ(FindingsFor("exclude_layers {}", {"lm_head"}),
            "LM_HEAD_QUANTIZED WARNING spec.scheme 1 --exclude '*lm_head'\n");
  EXPECT_EQ(FindingsFor("", {"lm_head"}), "");
  EXPECT_EQ(FindingsFor("exclude_layers {}", {"head"}), "LM_HEAD_QUANTIZED WARNING spec.scheme 1 --exclude 'head'\n");
  EXPECT_EQ(FindingsFor("exclude_layers {}", {"model.layers.0.head"}), "");
}

TEST(RoleFindingsTest, OverrideThatNamesTheHeadIsOnlyNoted) {
  EXPECT_EQ(FindingsFor("exclude_layers {} layer_config { pattern: '*lm_head' scheme: 'int8' }", {"lm_head"}),
            "LM_HEAD_QUANTIZED INFO spec.layer_config[0].pattern 1 --exclude '*lm_head'\n");
  EXPECT_EQ(FindingsFor("exclude_layers {} layer_config { pattern: 'l*' scheme: 'int8' }", {"lm_head"}),
            "LM_HEAD_QUANTIZED WARNING spec.layer_config[0].pattern 1 --exclude '*lm_head'\n");
}

TEST(RoleFindingsTest, QuantizedEmbeddingWarns) {
  const auto findings = [](const std::string& options) {
    return Lines(FindingsOf(absl::StrCat("spec { model_type: 'llama' scheme: 'fp8' ", options, " }", kLlamaModules)));
  };
  EXPECT_EQ(
      findings("layer_config { pattern: 'model.*' scheme: 'int8' }"),
      "EMBEDDING_QUANTIZED WARNING spec.layer_config[0].pattern 1 --exclude 'lm_head' --exclude '*embed_tokens'\n");
  EXPECT_EQ(findings("layer_config { pattern: 'model.layers.*' scheme: 'int8' }"), "");
}

TEST(RoleFindingsTest, QuantizedTowerWarns) {
  EXPECT_EQ(FindingsFor("", {"model.vision_tower.encoder.layers.{0..3}.self_attn.q_proj", "model.audio_tower.conv"}),
            "TOWER_QUANTIZED WARNING spec.scheme 4 --exclude 'lm_head' --exclude '*vision_tower.*'\n"
            "TOWER_QUANTIZED WARNING spec.scheme 1 --exclude 'lm_head' --exclude '*audio_tower.*'\n");
  EXPECT_EQ(
      FindingsFor("exclude_layers { patterns: '*vision_tower*' }", {"model.vision_tower.encoder.layers.0.q_proj"}), "");
  EXPECT_EQ(FindingsFor("", {"model.layers.0.visual.up_proj"}), "");
}

TEST(RoleFindingsTest, KvCacheEntryWithoutWeightQuantizesNoWeight) {
  EXPECT_EQ(FindingsFor("kv_cache_scheme: 'fp8' exclude_layers { patterns: '*_proj' }",
                        {"model.vision_tower.layers.0.k_proj", "model.vision_tower.layers.0.v_proj", "other"}),
            "");
}

}  // namespace
}  // namespace qconfig
