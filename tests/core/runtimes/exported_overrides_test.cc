// SPDX-License-Identifier: Apache-2.0
#include "core/runtimes/exported_overrides.h"

#include <gtest/gtest.h>

#include "tests/core/test_support.h"

namespace qconfig {
namespace {

std::string PatternOf(const absl::StatusOr<const v1::LayerQuantConfigEntry*>& entry) {
  return *entry == nullptr ? "" : (*entry)->pattern();
}

TEST(ExportedOverridesTest, TheFirstPatternInAlphabeticalOrderDecides) {
  const auto config = Proto<v1::QConfig>(
      "layer_quant_config { pattern: 'model.0.up' } layer_quant_config { pattern: '*up' }"
      "layer_quant_config { pattern: '*.up' } layer_quant_config { pattern: 'm*' }");
  ExportedOverrides overrides(config, **FindRuntime("vllm", ""));
  CancellationToken token;
  EXPECT_EQ(PatternOf(overrides.Find("model.0.up", token)), "*.up");
  EXPECT_EQ(PatternOf(overrides.Find("up", token)), "*up");
  EXPECT_EQ(PatternOf(overrides.Find("model.0.down", token)), "m*");
  EXPECT_EQ(PatternOf(overrides.Find("down", token)), "");
}

TEST(ExportedOverridesTest, PatternsWithoutAStarAreLiteralsForSomeRuntimes) {
  const auto config = Proto<v1::QConfig>("layer_quant_config { pattern: 'model.?.up' }");
  CancellationToken token;
  ExportedOverrides vllm(config, **FindRuntime("vllm", ""));
  EXPECT_EQ(PatternOf(vllm.Find("model.0.up", token)), "");
  ExportedOverrides sglang(config, **FindRuntime("sglang", ""));
  EXPECT_EQ(PatternOf(sglang.Find("model.0.up", token)), "model.?.up");
}

TEST(ExportedOverridesTest, ExpertsAreLookedUpByListAndThenByExactNames) {
  const auto config = Proto<v1::QConfig>(
      "layer_quant_config { pattern: '*.experts.*' } layer_quant_config { pattern: '*.1.experts' }"
      "layer_quant_config { pattern: 'm.1.experts.0.up' } layer_quant_config { pattern: 'm.2.experts.0.up' }"
      "layer_quant_config { pattern: 'm.3.experts.?.up' } layer_quant_config { pattern: 'm.4.experts_x.0.up' }");
  ExportedOverrides overrides(config, **FindRuntime("sglang", ""));
  CancellationToken token;
  EXPECT_EQ(PatternOf(overrides.FindForExperts("m.0.experts", token)), "");
  EXPECT_EQ(PatternOf(overrides.FindForExperts("m.1.experts", token)), "*.1.experts");
  EXPECT_EQ(PatternOf(overrides.FindForExperts("m.2.experts", token)), "m.2.experts.0.up");
  EXPECT_EQ(PatternOf(overrides.FindForExperts("m.3.experts", token)), "");
  EXPECT_EQ(PatternOf(overrides.FindForExperts("m.4.experts", token)), "");
}

}  // namespace
}  // namespace qconfig
