// SPDX-License-Identifier: Apache-2.0
#include "tests/core/plan/plain_plan.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/core/test_plan.h"
#include "tests/core/test_support.h"
#include "tests/source_files.h"

namespace qconfig {
namespace {

TEST(PlainPlanTest, EqualsTheFastPlan) {
  const Snapshot snapshot(std::shared_ptr<const Catalog>(&CatalogOfRelease("0.13"), [](const Catalog*) {}));
  const auto architectures = nlohmann::json::parse(std::ifstream(SourceFile("tests/golden/modules.json")));
  for (const auto& [model_type, unused] : architectures.items()) {
    for (const char* extra : {"", "kv_cache_scheme: 'fp8' attention_scheme: 'fp8'",
                              "kv_cache_scheme: 'fp8' exclude_layers { patterns: ['*.2.self_attn.k_proj', '*head'] }",
                              "layer_config { pattern: '*o_proj' scheme: 'int8' }"
                              "layer_config { pattern: 'model.layers.0.self_attn.o_proj' scheme: 'mxfp4' }"
                              "layer_config { pattern: '*embed*' scheme: 'int8' }",
                              "layer_type_config { layer_type: 'Conv2d' scheme: 'int8' } exclude_layers {}"}) {
      const auto spec = Proto<v1::ConfigSpec>("model_type: '" + model_type + "' scheme: 'fp8' " + extra);
      const auto messages = ModulesOf(model_type);
      const TestPlan fast(snapshot, spec, messages);
      const LayerPlan& plan = fast.context().plan;
      const std::vector<PlainLayer> plain =
          PlainPlan(fast.context().config, std::vector<v1::Module>(messages.begin(), messages.end()));
      ASSERT_EQ(plain.size(), plan.rule_of_module.size());
      for (size_t i = 0; i < plain.size(); ++i) {
        const v1::QLayerConfig* config = plan.config(i);
        EXPECT_EQ(plain[i].kind, plan.rule(i).kind()) << model_type << extra << messages[static_cast<int>(i)].name();
        ASSERT_EQ(plain[i].config.has_value(), config != nullptr) << model_type << extra;
        if (config != nullptr) {
          EXPECT_EQ(plain[i].config->SerializeAsString(), config->SerializeAsString());
        }
      }
    }
  }
}

}  // namespace
}  // namespace qconfig
