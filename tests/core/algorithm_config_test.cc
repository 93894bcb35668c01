// SPDX-License-Identifier: Apache-2.0
//
// Covers what the golden cases cannot: required fields, and the field at which a configuration is rejected.
#include "core/algorithm_config.h"

#include <gtest/gtest.h>

#include "core/quark_json.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

struct Case {
  const char* expected;
  const char* config;
};

class AlgorithmConfigTest : public testing::TestWithParam<Case> {};

TEST_P(AlgorithmConfigTest, RejectsInvalidConfigsAtTheirField) {
  const auto config = Proto<v1::AlgoConfig>(GetParam().config);
  EXPECT_EQ(ReasonAndField(CompleteAlgoConfig(Builtins().catalog(), config, "c").status()), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    All, AlgorithmConfigTest,
    testing::Values(
        Case{"OK", "awq {}"}, Case{"OK", "gptq { desc_act: false static_groups: false }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.gptq.static_groups", "gptq { static_groups: false }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.gptaq.static_groups", "gptaq { static_groups: false }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.qronos.model_decoder_layers", "qronos { inside_layer_modules: 'a' }"},
        Case{"OK", "qronos { model_decoder_layers: 'a' }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.qronos.static_groups",
             "qronos { model_decoder_layers: 'a' static_groups: false block_size: 0 }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.qronos.block_size", "qronos { model_decoder_layers: 'a' block_size: 0 }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.rotation.scaling_layers", "rotation { r1: false }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.rotation.rotation_size",
             "rotation { scaling_layers { position: 'p' } random_r2: true rotation_size: 8 }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.rotation.online_r1_rotation",
             "rotation { scaling_layers { position: 'p' } r1: false online_r1_rotation: false }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.rotation.trainable",
             "rotation { scaling_layers { position: 'p' } trainable: true r3: true }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.rotation.online_config",
             "rotation { scaling_layers { position: 'p' } r1: false online_config { shared_parallel: true } }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.rotation.online_config.shared_parallel",
             "rotation { scaling_layers { position: 'p' } online_config {} }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.rotation.online_config.use_input_prescale",
             "rotation { scaling_layers { position: 'p' } online_config { shared_parallel: true use_input_prescale: "
             "true } }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.rotation.train_smooth",
             "rotation { scaling_layers { position: 'p' } train_smooth: true }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.rotation.smooth_positions",
             "rotation { scaling_layers { position: 'p' } trainable: true train_smooth: true }"},
        Case{"INVALID_ALGORITHM_CONFIG at c.autosmoothquant.compute_scale_loss",
             "autosmoothquant { compute_scale_loss: 'MSE' compute_scale_loss_none: true }"}));

TEST(AlgorithmConfigTest, ComputeScaleLossOfNoneIsUnsetInTheResult) {
  const auto config = CompleteAlgoConfig(
      Builtins().catalog(), Proto<v1::AlgoConfig>("autosmoothquant { compute_scale_loss_none: true }"), "c");
  ASSERT_TRUE(config.ok());
  EXPECT_FALSE(config->autosmoothquant().has_compute_scale_loss());
  EXPECT_FALSE(config->autosmoothquant().compute_scale_loss_none());
}

TEST(AlgorithmConfigTest, RotationLayersHaveOnlyTheKeysThatAreSet) {
  const auto config = Proto<v1::AlgoConfig>(
      "rotation { scaling_layers { position: 'p' layers { target_modules: 'a' } layers { norm_module: '' } } }");
  EXPECT_EQ(QuarkJson(config, Builtins().catalog()).substr(0, 68),
            R"({"scaling_layers":{"p":[{"target_modules":["a"]},{"norm_module":""}])");
}

TEST(AlgorithmConfigTest, UnsetFieldsTakeTheirDefaults) {
  const auto config = CompleteAlgoConfig(Builtins().catalog(), Proto<v1::AlgoConfig>("gptq { block_size: 7 }"), "c");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->ShortDebugString(),
            "gptq { block_size: 7 damp_percent: 0.01 desc_act: true static_groups: true model_decoder_layers: \"\" }");
}

}  // namespace
}  // namespace qconfig
