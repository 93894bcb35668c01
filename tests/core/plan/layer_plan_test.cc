// SPDX-License-Identifier: Apache-2.0
#include "core/plan/layer_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/plan_layers.h"
#include "core/resolve_config.h"
#include "tests/core/plan/plain_plan.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using testing::ElementsAre;
using testing::Pair;

v1::PlanLayersResponse Plan(absl::string_view request) {
  const auto plan = PlanLayers(Builtins(), Proto<v1::PlanLayersRequest>(request));
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *plan : v1::PlanLayersResponse();
}

// "KIND pattern field" for each module.
std::vector<std::string> Rules(const v1::PlanLayersResponse& plan) {
  std::vector<std::string> rules;
  for (const uint32_t index : plan.rule_of_module()) {
    const v1::LayerRule& rule = plan.rules(static_cast<int>(index));
    std::string text = v1::LayerRuleKind_Name(rule.kind()).substr(std::string("LAYER_RULE_KIND_").size());
    if (!rule.pattern().empty()) absl::StrAppend(&text, " ", rule.pattern(), " ", rule.field());
    rules.push_back(text);
  }
  return rules;
}

TEST(LayerPlanTest, TriesTheRulesInQuarksOrder) {
  const auto plan = Plan(R"pb(
    spec {
      model_type: 'llama'
      scheme: 'fp8'
      layer_config { pattern: '*mlp*' scheme: 'int8' }
      layer_config { pattern: 'a.mlp.b' scheme: 'mxfp4' }
      layer_type_config { layer_type: 'Conv2d' scheme: 'int8' }
    }
    modules { name: 'lm_head' type: 'Linear' }
    modules { name: 'a.mlp.b' type: 'Linear' }
    modules { name: 'a.mlp.c' type: 'Linear' }
    modules { name: 'conv' type: 'Conv2d' }
    modules { name: 'x' type: 'Linear' }
    modules { name: 'norm' type: 'LlamaRMSNorm' }
    modules { name: 'embed' type: 'Embedding' }
    modules { name: 'embed.mlp' type: 'Embedding' }
  )pb");
  EXPECT_THAT(
      Rules(plan),
      ElementsAre("EXCLUDED lm_head template.exclude_layers_name[0]", "OVERRIDE a.mlp.b spec.layer_config[1].pattern",
                  "OVERRIDE *mlp* spec.layer_config[0].pattern",
                  "LAYER_TYPE Conv2d spec.layer_type_config[0].layer_type", "GLOBAL", "NOT_QUANTIZABLE",
                  "NOT_QUANTIZABLE", "OVERRIDE *mlp* spec.layer_config[0].pattern"));
  EXPECT_THAT(plan.config_of_module(), ElementsAre(0, 1, 2, 2, 3, 0, 0, 2)) << "equal configurations are one";
}

TEST(LayerPlanTest, ReportsWhatEachPatternMatches) {
  const auto plan = Plan(R"pb(
    spec {
      model_type: 'llama'
      scheme: 'fp8'
      layer_config { pattern: '*' scheme: 'int8' }
      layer_config { pattern: '*b' scheme: 'mxfp4' }
      exclude_layers { patterns: 'a' patterns: 'z' }
    }
    modules { name: 'a{0..4}b' type: 'Linear' }
    modules { name: 'a' type: 'Linear' }
    modules { name: 'a.b' type: 'Linear' }
    modules { name: 'b' type: 'Norm' }
  )pb");
  ASSERT_EQ(plan.patterns_size(), 4);
  const auto text = [&](int i) {
    const v1::PatternUse& use = plan.patterns(i);
    return absl::StrCat(use.field(), " ", use.pattern(), " ", use.matched(), " ", use.won(), " ", use.examples_size());
  };
  EXPECT_EQ(text(0), "spec.exclude_layers.patterns[0] a 2 2 2") << "with the modules below it";
  EXPECT_EQ(text(1), "spec.exclude_layers.patterns[1] z 0 0 0");
  EXPECT_EQ(text(2), "spec.layer_config[0].pattern * 7 5 3");
  EXPECT_EQ(text(3), "spec.layer_config[1].pattern *b 6 0 3");
}

TEST(LayerPlanTest, StripsAKvCachePatternOfWhichALayerIsExcluded) {
  const auto plan = Plan(R"pb(
    spec {
      model_type: 'llama'
      scheme: 'fp8'
      kv_cache_scheme: 'fp8'
      exclude_layers { patterns: 'layers.2.k_proj' }
    }
    modules { name: 'layers.{0..3}.k_proj' type: 'Linear' }
    modules { name: 'layers.0.v_proj' type: 'Linear' }
  )pb");
  EXPECT_THAT(plan.config_of_module(), ElementsAre(1, 1, 1, 1, 2));
  EXPECT_EQ(plan.configs(0).weight_size(), 0);
  EXPECT_EQ(plan.configs(0).output_tensors_size(), 1);
  EXPECT_EQ(plan.configs(1).weight_size(), 1);
  EXPECT_EQ(Rules(plan)[2], "KV_CACHE *k_proj template.kv_layers_name[0]") << "also for the excluded layer";
  EXPECT_EQ(plan.totals().quantized(), 1);
}

TEST(LayerPlanTest, SumsUpWeights) {
  const auto plan = Plan(R"pb(
    spec { model_type: 'llama' scheme: 'int4_wo_128' kv_cache_scheme: 'fp8' }
    modules {
      name: 'layers.{0..1}.up_proj'
      type: 'Linear'
      shape: [ 256, 1024 ]
      dtype: 'BF16'
    }
    modules { name: 'layers.0.k_proj' type: 'Linear' }
    modules {
      name: 'lm_head'
      type: 'Linear'
      shape: [ 1000, 256 ]
      dtype: 'F32'
    }
  )pb");
  EXPECT_EQ(plan.totals().modules(), 4);
  EXPECT_EQ(plan.totals().quantized(), 3);
  EXPECT_EQ(plan.totals().parameters(), 2 * 256 * 1024 + 1000 * 256);
  EXPECT_EQ(plan.totals().weight_bytes_before(), 2 * 256 * 1024 * 2 + 1000 * 256 * 4);
  // Half a byte for a value, and a scale of four bytes for each group of 128.
  EXPECT_EQ(plan.totals().weight_bytes_after(), 2 * (256 * 1024 / 2 + 256 * 8 * 4) + 1000 * 256 * 4);
  EXPECT_EQ(plan.totals().kv_cache_bits(), 8);
  ASSERT_EQ(plan.totals().by_config_size(), 3);
  EXPECT_EQ(plan.totals().by_config(0).config(), 0u);
  EXPECT_EQ(plan.totals().by_config(0).modules(), 1);
  EXPECT_EQ(plan.totals().by_config(1).modules(), 2);
}

TEST(LayerPlanTest, SumsUpModulesOfOneFormWithDifferentConfigurations) {
  const auto plan = Plan(R"pb(
    spec {
      model_type: 'llama'
      scheme: 'int4_wo_128'
      layer_config { pattern: '*.1.*' scheme: 'fp8' }
      exclude_layers { patterns: '*.3.*' }
    }
    modules {
      name: 'layers.{0..4}.up_proj'
      type: 'Linear'
      shape: [ 256, 1024 ]
      dtype: 'BF16'
    }
  )pb");
  constexpr int64_t kValues = 256 * 1024;
  std::vector<std::pair<int64_t, int64_t>> parts;  // modules and bytes
  for (const v1::ConfigTotals& part : plan.totals().by_config()) {
    parts.emplace_back(part.modules(), part.weight_bytes_after());
  }
  EXPECT_THAT(parts, ElementsAre(Pair(1, 2 * kValues), Pair(3, 3 * (kValues / 2 + 256 * 8 * 4)), Pair(1, kValues + 4)));
}

class RandomPlan {
 public:
  explicit RandomPlan(uint32_t seed) : random_(seed) {}

  v1::PlanLayersRequest Request() {
    v1::PlanLayersRequest request;
    v1::ConfigSpec& spec = *request.mutable_spec();
    spec.set_model_type(Pick({"llama", "deepseek_v3", "phi3", "gpt_oss"}));
    spec.set_scheme(Pick({"fp8", "int4_wo_128", "nvfp4"}));
    if (Below(2) == 0) spec.set_kv_cache_scheme("fp8");
    if (Below(3) == 0) spec.set_attention_scheme("fp8");
    std::set<std::string> used;
    for (size_t i = Below(6); i > 0; --i) {
      const std::string pattern = MakePattern();
      if (!used.insert(pattern).second) continue;
      spec.add_layer_config()->set_pattern(pattern);
      spec.mutable_layer_config()->rbegin()->set_scheme(Pick({"fp8", "int8", "mxfp4"}));
    }
    if (Below(3) == 0) {
      spec.add_layer_type_config()->set_layer_type(Pick({"Linear", "Conv2d"}));
      spec.mutable_layer_type_config(0)->set_scheme("int8");
    }
    if (Below(2) == 0) {
      spec.mutable_exclude_layers();
      for (size_t i = Below(4); i > 0; --i) spec.mutable_exclude_layers()->add_patterns(MakePattern());
    }
    for (size_t i = 1 + Below(30); i > 0; --i) {
      request.add_modules()->set_name(MakeName());
      request.mutable_modules()->rbegin()->set_type(
          Pick({"Linear", "Linear", "Linear", "Conv2d", "Embedding", "Norm"}));
    }
    return request;
  }

 private:
  size_t Below(size_t n) { return random_() % n; }
  std::string Pick(const std::vector<std::string>& texts) { return texts[Below(texts.size())]; }

  std::string MakeName() {
    if (Below(8) == 0) return Pick({"lm_head", "embed", "model"});
    return absl::StrCat("model.layers.", Below(3), ".", Pick({"self_attn", "mlp", "mlp.experts.1"}), ".",
                        Pick({"q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "kv_b_proj", "up_proj", "gate"}));
  }

  std::string MakePattern() {
    std::string pattern = MakeName();
    for (size_t i = Below(4); i > 0; --i) {
      const size_t at = Below(pattern.size());
      pattern.replace(at, Below(2) == 0 ? 1 : Below(pattern.size() - at), Pick({"*", "?", "[a-z]", "*"}));
      if (pattern.empty()) pattern = "*";
    }
    return pattern;
  }

  std::mt19937 random_;
};

TEST(LayerPlanTest, AgreesWithAPlainReadingOfTheRules) {
  for (const char* release : {"0.12.post1", "0.13"}) {
    for (uint32_t seed = 0; seed < 2000; ++seed) {
      const v1::PlanLayersRequest request = RandomPlan(seed).Request();
      const Snapshot snapshot(std::shared_ptr<const Catalog>(std::shared_ptr<void>(), &CatalogOfRelease(release)));
      const auto plan = PlanLayers(snapshot, request);
      ASSERT_TRUE(plan.ok()) << plan.status() << request.DebugString();
      const std::vector<v1::Module> modules(request.modules().begin(), request.modules().end());
      const std::vector<PlainLayer> expected = PlainPlan(*ResolveConfig(snapshot, request.spec()), modules);
      for (int i = 0; i < request.modules_size(); ++i) {
        const PlainLayer& layer = expected[static_cast<size_t>(i)];
        const v1::LayerRule& rule = plan->rules(static_cast<int>(plan->rule_of_module(i)));
        ASSERT_EQ(rule.kind(), layer.kind) << modules[static_cast<size_t>(i)].name() << request.DebugString();
        if (layer.kind == v1::LAYER_RULE_KIND_EXCLUDED) {
          ASSERT_TRUE(absl::StartsWith(layer.pattern, rule.pattern())) << layer.pattern;
        } else {
          ASSERT_EQ(rule.pattern(), layer.pattern);
        }
        const auto config = static_cast<int>(plan->config_of_module(i));
        ASSERT_EQ(config != 0, layer.config.has_value());
        if (config != 0) {
          ASSERT_EQ(plan->configs(config - 1).DebugString(), layer.config->DebugString());
        }
      }
    }
  }
}

}  // namespace
}  // namespace qconfig
