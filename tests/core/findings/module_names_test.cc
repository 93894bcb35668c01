// SPDX-License-Identifier: Apache-2.0
#include "core/findings/module_names.h"

#include <gtest/gtest.h>

namespace qconfig {
namespace {

std::string ExclusionOf(absl::string_view name) {
  const NamedRole* role = ModuleNames::Builtin().FindRole(name);
  return role == nullptr ? "" : role->exclusion;
}

TEST(ModuleNamesTest, FindsRolesByWholeParts) {
  EXPECT_EQ(ExclusionOf("model.layers.0.block_sparse_moe.gate"), "*block_sparse_moe.gate");
  EXPECT_EQ(ExclusionOf("model.layers.60.mlp.gate.linear"), "*mlp.gate.linear");
  EXPECT_EQ(ExclusionOf("router"), "*router");
  EXPECT_EQ(ExclusionOf("model.layers.0.mlp.gate_proj"), "");
  EXPECT_EQ(ExclusionOf("model.layers.0.xmlp.gate"), "");
  EXPECT_EQ(ExclusionOf("model.layers.0.self_attn.gate"), "");
  EXPECT_EQ(ExclusionOf(""), "");
  EXPECT_EQ(ExclusionOf("."), "");
}

TEST(ModuleNamesTest, FindsTowersAboveTheFirstNumber) {
  EXPECT_EQ(ExclusionOf("model.vision_tower.layers.0.q_proj"), "*vision_tower.*");
  EXPECT_EQ(ExclusionOf("visual.blocks.3.attn.qkv"), "*visual.*");
  EXPECT_EQ(ExclusionOf("model.layers.0.visual.q_proj"), "");
  EXPECT_EQ(ExclusionOf("model.layers.3.visual.q_proj"), "");
}

TEST(ModuleNamesTest, SplitsInputsOnlyOfTheSecondLayerOfAPair) {
  const ModuleNames& names = ModuleNames::Builtin();
  EXPECT_EQ(names.FindSplit("model.layers.0.mlp.down_proj"), RankSplit::kInputs);
  EXPECT_EQ(names.FindSplit("model.layers.0.mlp.up_proj"), RankSplit::kOutputs);
  EXPECT_EQ(names.FindSplit("model.layers.0.mlp.gate"), RankSplit::kNone);
  EXPECT_EQ(names.FindSplit("model.layers.0.self_attn.q_a_proj"), RankSplit::kNone);
}

TEST(ModuleNamesTest, ExpertsAreBelowTheirList) {
  EXPECT_TRUE(ModuleNames::Builtin().IsExpert("model.layers.0.mlp.experts.7.up_proj"));
  EXPECT_FALSE(ModuleNames::Builtin().IsExpert("model.layers.0.mlp.shared_experts.up_proj"));
  EXPECT_FALSE(ModuleNames::Builtin().IsExpert("model.layers.0.mlp.experts"));
}

TEST(ModuleNamesTest, RejectsMalformedData) {
  EXPECT_FALSE(ModuleNames::Load("[]").ok());
  EXPECT_FALSE(ModuleNames::Load(R"({"routers": [1]})").ok());
  EXPECT_TRUE(ModuleNames::Load("{}").ok());
}

}  // namespace
}  // namespace qconfig
