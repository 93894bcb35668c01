// SPDX-License-Identifier: Apache-2.0
#include "core/findings/size_findings.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/core/test_plan.h"

namespace qconfig {
namespace {

// Findings for a model with one kind of layer, named `name`, whose weight has 512 outputs and `inputs` inputs.
std::vector<v1::Finding> FindingsFor(const std::string& scheme, absl::string_view name, int inputs, int ranks = 0) {
  return FindingsOf(absl::StrCat("spec { model_type: 'llama' scheme: '", scheme, "' } tensor_parallel_size: ", ranks,
                                 LinearModule("model.layers.0.self_attn.q_proj"),
                                 " modules { name: 'model.layers.{0..2}.", name,
                                 "' type: 'Linear' shape: 512 shape: ", inputs, "}"));
}

TEST(SizeFindingsTest, QuarkFailsOnAnIncompleteGroup) {
  const auto findings = FindingsFor("int4_wo_128", "mlp.down_proj", 2880);
  ASSERT_EQ(Lines(findings), "GROUP_SIZE_MISMATCH ERROR spec.scheme 3 --layer '*.down_proj=int4_wo_64'\n");
  EXPECT_EQ(findings[0].message(),
            "the group size 128 does not divide the input dimension 2880 of 3 modules, so Quark fails");
  EXPECT_EQ(Lines(FindingsFor("int4_wo_64", "mlp.down_proj", 2880)), "");
}

TEST(SizeFindingsTest, QuarkPadsAnIncompleteMxGroup) {
  const auto findings = FindingsFor("mxfp4", "mlp.down_proj", 2896);
  ASSERT_EQ(Lines(findings), "GROUP_SIZE_MISMATCH WARNING spec.scheme 3 --exclude 'lm_head' --exclude '*.down_proj'\n");
  EXPECT_NE(findings[0].message().find("so Quark pads the last group"), std::string::npos);
  EXPECT_EQ(Lines(FindingsFor("mxfp4", "mlp.down_proj", 2880)), "");
}

TEST(SizeFindingsTest, LayersThatSplitTheirInputsNeedWholeGroupsOnEachRank) {
  const auto findings = FindingsFor("int4_wo_128", "mlp.down_proj", 11008, 4);
  ASSERT_EQ(Lines(findings), "GROUP_SIZE_MISMATCH ERROR spec.scheme 3 --layer '*.down_proj=int4_wo_64'\n");
  EXPECT_EQ(
      findings[0].message(),
      "the group size 128 does not divide the input dimension 11008 of 3 modules after its split among 4 ranks, so "
      "runtimes cannot load these layers");
  EXPECT_EQ(Lines(FindingsFor("int4_wo_128", "mlp.down_proj", 11008, 2)), "");
  EXPECT_EQ(Lines(FindingsFor("int4_wo_128", "mlp.down_proj", 11008)), "");
}

TEST(SizeFindingsTest, LayersThatSplitTheirOutputsKeepTheirInputs) {
  EXPECT_EQ(Lines(FindingsFor("int4_wo_128", "mlp.up_proj", 11008, 4)), "");
}

TEST(SizeFindingsTest, SomeRuntimesSplitExpertsInSmallerGroups) {
  EXPECT_EQ(Lines(FindingsFor("int4_wo_128", "mlp.experts.{0..7}.down_proj", 768, 4)),
            "GROUP_SIZE_MISMATCH WARNING spec.scheme 24 --layer '*.down_proj=int4_wo_64'\n");
}

TEST(SizeFindingsTest, SomeRuntimesDoNotCheckMxWeightsWithStaticInputs) {
  const std::string fix = " spec.scheme 3 --exclude 'lm_head' --exclude '*.down_proj'\n";
  EXPECT_EQ(Lines(FindingsFor("mxfp4", "mlp.down_proj", 11008, 16)), "GROUP_SIZE_MISMATCH ERROR" + fix);
  EXPECT_EQ(Lines(FindingsFor("mxfp4_fp8", "mlp.down_proj", 11008, 16)), "GROUP_SIZE_MISMATCH WARNING" + fix);
}

TEST(SizeFindingsTest, OnlyWeightsWithTwoDimensionsAreChecked) {
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'llama' scheme: 'int4_wo_128' }"
                             "modules { name: 'patch_embed.proj' type: 'Conv2d' shape: [1152, 3, 14, 14] }" +
                             LinearModule("model.layers.0.self_attn.q_proj"))),
            "");
}

TEST(SizeFindingsTest, SchemesWithoutGroupsAndUnknownShapesHaveNoFindings) {
  EXPECT_EQ(Lines(FindingsFor("fp8", "mlp.down_proj", 2881, 8)), "");
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'llama' scheme: 'int4_wo_128' }" +
                             LinearModule("model.layers.0.self_attn.q_proj"))),
            "");
}

TEST(SizeFindingsTest, EveryDimensionHasItsOwnFinding) {
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'llama' scheme: 'int4_wo_128' }"
                             "modules { name: 'a.{0..1}.up_proj' type: 'Linear' shape: 1 shape: 100 }"
                             "modules { name: 'a.{0..1}.down_proj' type: 'Linear' shape: 1 shape: 160 }"
                             "modules { name: 'a.{2..9}.up_proj' type: 'Linear' shape: 1 shape: 100 }")),
            "GROUP_SIZE_MISMATCH ERROR spec.scheme 10 --exclude 'lm_head' --exclude '*.up_proj'\n"
            "GROUP_SIZE_MISMATCH ERROR spec.scheme 2 --layer '*.down_proj=int4_wo_32'\n");
}

TEST(SizeFindingsTest, ModulesOfOneFormMayHaveDifferentConfigurations) {
  EXPECT_EQ(Lines(FindingsOf("spec { model_type: 'llama' scheme: 'int4_wo_128'"
                             "  layer_config { pattern: '*.1.*' scheme: 'int4_wo_64' }"
                             "  exclude_layers { patterns: '*.3.*' } }" +
                             LinearModule("model.layers.0.self_attn.q_proj") +
                             "modules { name: 'a.{0..4}.up_proj' type: 'Linear' shape: 1 shape: 96 }")),
            "GROUP_SIZE_MISMATCH ERROR spec.scheme 3 --layer '*.up_proj=int4_wo_32'\n"
            "GROUP_SIZE_MISMATCH ERROR spec.layer_config[0].pattern 1 "
            "Use the scheme int4_wo_32 for these layers\n");
}

}  // namespace
}  // namespace qconfig
