// SPDX-License-Identifier: Apache-2.0
//
// Tests of single facts. The golden tests show that complete configurations match Quark's.
#include "core/resolve_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

v1::QConfig Resolve(const std::string& spec, const Snapshot& snapshot = Builtins()) {
  const auto config = ResolveConfig(snapshot, Proto<v1::ConfigSpec>(spec));
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : v1::QConfig();
}

std::string ResolveError(const std::string& spec) {
  return ReasonAndField(ResolveConfig(Builtins(), Proto<v1::ConfigSpec>(spec)).status());
}

TEST(ResolveConfigTest, UnsetExclusionsAreTheTemplatesAndEmptyExclusionsAreNone) {
  EXPECT_THAT(Resolve("model_type: 'llama' scheme: 'fp8'").exclude(), ElementsAre("lm_head.*", "lm_head"));
  EXPECT_THAT(Resolve("model_type: 'llama' scheme: 'fp8' exclude_layers {}").exclude(), IsEmpty());
}

TEST(ResolveConfigTest, ExclusionThatEndsInDotStarIsNotExpanded) {
  EXPECT_THAT(Resolve("model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: 'a.*' patterns: 'b*' }").exclude(),
              ElementsAre("a.*", "b*.*", "b*"));
}

TEST(ResolveConfigTest, SharedScaleGroupsOverrideTheScheme) {
  const v1::QConfig shared = Resolve("model_type: 'dbrx' scheme: 'nvfp4'");
  ASSERT_EQ(shared.shared_scale_groups_size(), 2);
  EXPECT_THAT(shared.shared_scale_groups(1).layer_suffixes(), ElementsAre("w1", "v1"));
  EXPECT_TRUE(shared.sync_moe_expert_input_amax());
  const v1::QConfig none = Resolve("model_type: 'dbrx' scheme: 'nvfp4' shared_scale_groups {}");
  EXPECT_THAT(none.shared_scale_groups(), IsEmpty());
  EXPECT_FALSE(none.sync_moe_expert_input_amax());
}

TEST(ResolveConfigTest, SharedScalesDefaultToGateProjAndUpProj) {
  CatalogTexts texts = TinyTexts();
  texts.catalog.replace(texts.catalog.find("shared_scales\": []"), 18, "shared_scales\": [\"plain\"]");
  const auto catalog = Catalog::Load(texts.files());
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  const v1::QConfig config = Resolve("model_type: 'model' scheme: 'plain'", Snapshot(*catalog));
  EXPECT_THAT(config.shared_scale_groups(1).layer_suffixes(), ElementsAre("gate_proj", "up_proj"));
}

TEST(ResolveConfigTest, EntriesHaveTheirOrigin) {
  const v1::QConfig config = Resolve(
      "model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8' attention_scheme: 'fp8'"
      "layer_config { pattern: '*k_proj' scheme: 'int8' } layer_config { pattern: '*mlp*' scheme: 'int8' }");
  std::string origins;
  for (const auto& entry : config.layer_quant_config()) {
    origins += entry.pattern() + " " + v1::EntryOrigin_Name(entry.origin()).substr(13) + "\n";
  }
  EXPECT_EQ(origins, "*k_proj KV_CACHE\n*mlp* REQUEST\n*v_proj KV_CACHE\n*q_proj ATTENTION\n");
}

TEST(ResolveConfigTest, KvCacheAndAttentionSchemesNeedProjections) {
  const v1::QConfig config =
      Resolve("model_type: 'bare' scheme: 'plain' kv_cache_scheme: 'fp8' attention_scheme: 'fp8'", Tiny());
  EXPECT_THAT(config.layer_quant_config(), IsEmpty());
  EXPECT_THAT(config.kv_cache_quant_config(), IsEmpty());
  EXPECT_TRUE(config.has_softmax_quant_spec());
}

TEST(ResolveConfigTest, AlgorithmListedTwiceIsInTheConfigTwice) {
  EXPECT_EQ(Resolve("model_type: 'llama' scheme: 'fp8' algorithm: 'awq' algorithm: 'AWQ'").algo_config_size(), 2);
}

TEST(ResolveConfigTest, AlgoConfigsOverrideTheTemplate) {
  const v1::QConfig config = Resolve(
      "model_type: 'llama' scheme: 'fp8' algorithm: 'gptq' algo_configs { algorithm: 'GPTQ' config { gptq { "
      "block_size: 7 } } }");
  EXPECT_EQ(config.algo_config(0).gptq().block_size(), 7);
  EXPECT_THAT(config.algo_config(0).gptq().inside_layer_modules(), IsEmpty());
}

TEST(ResolveConfigTest, UnusedAlgoConfigIsValidatedAndIgnored) {
  EXPECT_THAT(
      Resolve("model_type: 'llama' scheme: 'fp8' algo_configs { algorithm: 'gptq' config { gptq {} } }").algo_config(),
      IsEmpty());
  EXPECT_EQ(ResolveError("model_type: 'llama' scheme: 'fp8'"
                         "algo_configs { algorithm: 'gptq' config { gptq { static_groups: false } } }"),
            "INVALID_ALGORITHM_CONFIG at spec.algo_configs[0].config.gptq.static_groups");
}

TEST(ResolveConfigTest, AlgorithmsAreLimitedByTheirSizeInMemory) {
  v1::ConfigSpec spec = Proto<v1::ConfigSpec>("model_type: 'llama' scheme: 'fp8'");
  v1::AlgoConfigEntry& entry = *spec.add_algo_configs();
  entry.set_algorithm("awq");
  for (int i = 0; i < 10'000; ++i) entry.mutable_config()->mutable_awq()->add_scaling_layers();
  for (int i = 0; i < 100; ++i) spec.add_algorithm("awq");
  ASSERT_LT(spec.ByteSizeLong(), 25'000u);
  EXPECT_TRUE(absl::StartsWith(ReasonAndField(ResolveConfig(Builtins(), spec).status()),
                               "ANSWER_TOO_LARGE at spec.algorithm["));
}

TEST(ResolveConfigTest, ErrorsHaveSuggestionsAndAllowedValues) {
  for (const char* spec : {"model_type: 'lama' scheme: 'fp8'", "model_type: 'llama' scheme: 'pf8'",
                           "model_type: 'llama' scheme: 'fp8' algorithm: 'aqw'",
                           "model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'pf8'",
                           "model_type: 'llama' scheme: 'fp8' attention_scheme: 'pf8'"}) {
    const auto error = ItemErrorOf(ResolveConfig(Builtins(), Proto<v1::ConfigSpec>(spec)).status());
    EXPECT_FALSE(error.detail().suggestions().empty()) << spec;
    EXPECT_FALSE(error.detail().allowed().empty()) << spec;
    EXPECT_EQ(error.detail().catalog(), "quark-0.12.post1") << spec;
  }
}

TEST(ResolveConfigTest, AlgorithmFromANewerReleaseIsNotSupported) {
  EXPECT_EQ(ResolveError("model_type: 'llama' scheme: 'fp8' algorithm: 'autoround'"
                         "algo_configs { algorithm: 'autoround' config { autoround {} } }"),
            "UNSUPPORTED_ALGORITHM at spec.algorithm[0]");
}

// Each spec fails the expected check and all checks after it.
TEST(ResolveConfigTest, ChecksRunInQuarksOrder) {
  const std::string types = "layer_type_config { layer_type: 'Linear' scheme: 'bad' }";
  const std::string layers = "layer_config { pattern: 'a' scheme: 'bad' }" + types;
  const std::string missing = "algorithm: 'autosmoothquant'" + layers;
  const std::string attention = "attention_scheme: 'bad'" + missing;
  const std::string kv_cache = "kv_cache_scheme: 'bad'" + attention;
  const std::string algorithm = "algorithm: 'bad'" + kv_cache;
  EXPECT_EQ(ResolveError("model_type: 'bad' scheme: 'bad'" + algorithm), "TEMPLATE_NOT_FOUND at spec.model_type");
  EXPECT_EQ(ResolveError("model_type: 'phi' scheme: 'bad'" + algorithm), "SCHEME_NOT_FOUND at spec.scheme");
  const std::string ok = "model_type: 'phi' scheme: 'fp8'";
  EXPECT_EQ(ResolveError(ok + algorithm), "UNSUPPORTED_ALGORITHM at spec.algorithm[0]");
  EXPECT_EQ(ResolveError(ok + kv_cache), "UNSUPPORTED_KV_CACHE_SCHEME at spec.kv_cache_scheme");
  EXPECT_EQ(ResolveError(ok + attention), "UNSUPPORTED_ATTENTION_SCHEME at spec.attention_scheme");
  EXPECT_EQ(ResolveError(ok + missing), "ALGORITHM_CONFIG_MISSING at spec.algorithm[0]");
  EXPECT_EQ(ResolveError(ok + layers), "SCHEME_NOT_FOUND at spec.layer_config[0].scheme");
  EXPECT_EQ(ResolveError(ok + types), "SCHEME_NOT_FOUND at spec.layer_type_config[0].scheme");
}

TEST(ResolveConfigTest, OnlyAlgorithmNamesAreCaseInsensitive) {
  EXPECT_EQ(ResolveError("model_type: 'Llama' scheme: 'fp8'"), "TEMPLATE_NOT_FOUND at spec.model_type");
  EXPECT_EQ(ResolveError("model_type: 'llama' scheme: 'FP8'"), "SCHEME_NOT_FOUND at spec.scheme");
  EXPECT_EQ(ResolveError("model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'FP8'"),
            "UNSUPPORTED_KV_CACHE_SCHEME at spec.kv_cache_scheme");
  EXPECT_EQ(ResolveError("model_type: 'llama' scheme: 'fp8' algorithm: 'aWq'"), "OK");
}

}  // namespace
}  // namespace qconfig
