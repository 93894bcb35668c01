// SPDX-License-Identifier: Apache-2.0
#include "core/runtimes/fused_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/test_plan.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<std::string> kExperts = {"model.layers.{0..3}.mlp.experts.{0..7}.gate_proj",
                                           "model.layers.{0..3}.mlp.experts.{0..7}.up_proj",
                                           "model.layers.{0..3}.mlp.experts.{0..7}.down_proj"};

std::vector<v1::Finding> Find(const char* spec, const std::vector<std::string>& more_modules = {},
                              const char* runtime = nullptr) {
  const auto parsed = Proto<v1::ConfigSpec>(spec);
  ModuleList::Messages modules = ModulesOf(parsed.model_type());
  AddLinear(more_modules, modules);
  const TestPlan plan(Builtins(), parsed, std::move(modules));
  CancellationToken token;
  FindingList findings;
  EXPECT_TRUE(
      FindFusedFindings(plan.context(), runtime == nullptr ? nullptr : *FindRuntime(runtime, ""), token, findings)
          .ok());
  return findings.Take();
}

TEST(FusedFindingsTest, OnePartWithAnotherScheme) {
  const auto findings = Find("model_type: 'llama' scheme: 'mxfp4' layer_config { pattern: '*k_proj' scheme: 'fp8' }");
  ASSERT_THAT(Summarize(findings), ElementsAre("WARNING FUSED_MODULES_DIFFER"));
  EXPECT_EQ(findings[0].module_count(), 12);
  EXPECT_EQ(findings[0].modules_size(), 10);
  EXPECT_EQ(findings[0].modules(0), "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(findings[0].field(), "spec.layer_config[0].pattern");
  EXPECT_EQ(findings[0].fix(), "--layer '*q_proj=fp8' --layer '*v_proj=fp8'");
  EXPECT_THAT(findings[0].message(), HasSubstr("q_proj, k_proj, v_proj run as one matrix, qkv_proj, but q_proj has "));
  EXPECT_EQ(findings[0].runtime(), "");
}

TEST(FusedFindingsTest, PatternThatDoesNotEndWithThePart) {
  const auto findings =
      Find("model_type: 'llama' scheme: 'mxfp4' layer_config { pattern: '*.0.self_attn.q*' scheme: 'fp8' }");
  ASSERT_THAT(Summarize(findings), ElementsAre("WARNING FUSED_MODULES_DIFFER"));
  EXPECT_EQ(findings[0].fix(), "--layer '*q_proj=fp8' --layer '*k_proj=fp8' --layer '*v_proj=fp8'");
}

TEST(FusedFindingsTest, PartsOfOneRange) {
  EXPECT_THAT(
      Summarize(Find("model_type: 'deepseek_v4' scheme: 'fp8' layer_config { pattern: '*my_mlp.w1' scheme: 'mxfp4' }",
                     {"layers.{0..1}.my_mlp.w{1..3}"})),
      ElementsAre("WARNING FUSED_MODULES_DIFFER"));
}

TEST(FusedFindingsTest, AllPartsWithAnotherScheme) {
  EXPECT_THAT(Find("model_type: 'llama' scheme: 'mxfp4' layer_config { pattern: '*[qkv]_proj' scheme: 'fp8' }"
                   "layer_config { pattern: '*.2.mlp.*' scheme: 'fp8' }"),
              IsEmpty());
}

TEST(FusedFindingsTest, OnePartExcluded) {
  const auto findings =
      Find("model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: ['lm_head', '*.1.mlp.up_proj'] }");
  ASSERT_THAT(Summarize(findings), ElementsAre("WARNING FUSED_MODULES_PARTLY_EXCLUDED"));
  EXPECT_THAT(findings[0].modules(), ElementsAre("model.layers.1.mlp.gate_proj", "model.layers.1.mlp.up_proj"));
  EXPECT_EQ(findings[0].field(), "spec.exclude_layers.patterns[1]");
  EXPECT_EQ(findings[0].fix(), "--exclude 'lm_head' --exclude '*.1.mlp.up_proj' --exclude '*.1.mlp.gate_proj'");
}

TEST(FusedFindingsTest, AllPartsExcluded) {
  EXPECT_THAT(Find("model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: ['*self_attn*', '*.1.mlp.*'] }"),
              IsEmpty());
}

TEST(FusedFindingsTest, QuantizedOutputsMayDiffer) {
  EXPECT_THAT(Find("model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8'"), IsEmpty());
}

TEST(FusedFindingsTest, DifferentCausesAreDifferentFindings) {
  EXPECT_THAT(
      Summarize(Find("model_type: 'llama' scheme: 'fp8'"
                     "layer_config { pattern: '*.0.*k_proj' scheme: 'mxfp4' }"
                     "layer_config { pattern: '*.1.*v_proj' scheme: 'mxfp4' }"
                     "layer_config { pattern: '*gate_proj' scheme: 'int8' }")),
      ElementsAre("WARNING FUSED_MODULES_DIFFER", "WARNING FUSED_MODULES_DIFFER", "WARNING FUSED_MODULES_DIFFER"));
}

TEST(FusedFindingsTest, PartsOfOneParentOnlyMustAgree) {
  EXPECT_THAT(Find("model_type: 'llama' scheme: 'fp8' layer_config { pattern: '*.1.*' scheme: 'mxfp4' }"), IsEmpty());
}

TEST(FusedFindingsTest, ModulesOfOtherTypesDoNotCount) {
  auto spec = Proto<v1::ConfigSpec>("model_type: 'llama' scheme: 'fp8'");
  ModuleList::Messages modules = ModulesOf("llama");
  modules.Mutable(1)->set_type("RMSNorm");  // model.layers.0.self_attn.q_proj
  const TestPlan plan(Builtins(), spec, std::move(modules));
  CancellationToken token;
  FindingList findings;
  ASSERT_TRUE(FindFusedFindings(plan.context(), nullptr, token, findings).ok());
  EXPECT_EQ(findings.total(), 0);
}

TEST(FusedFindingsTest, ExpertsOfOneLayerMustAgree) {
  const auto findings =
      Find("model_type: 'qwen3_moe' scheme: 'fp8' layer_config { pattern: '*.experts.3.*' scheme: 'mxfp4' }", kExperts);
  ASSERT_THAT(Summarize(findings), ElementsAre("WARNING FUSED_MODULES_DIFFER"));
  EXPECT_EQ(findings[0].module_count(), 96);
  EXPECT_EQ(findings[0].fix(), "--layer '*.experts*=mxfp4'");
}

TEST(FusedFindingsTest, ExpertsOfDifferentLayersMayDiffer) {
  EXPECT_THAT(
      Find("model_type: 'qwen3_moe' scheme: 'fp8' layer_config { pattern: '*.1.mlp.*' scheme: 'mxfp4' }", kExperts),
      IsEmpty());
}

TEST(FusedFindingsTest, OneExpertExcluded) {
  const auto findings =
      Find("model_type: 'qwen3_moe' scheme: 'fp8' exclude_layers { patterns: ['lm_head', '*.1.mlp.experts.0.*'] }",
           kExperts);
  ASSERT_THAT(Summarize(findings), ElementsAre("WARNING FUSED_MODULES_PARTLY_EXCLUDED"));
  EXPECT_EQ(findings[0].module_count(), 24);
  EXPECT_EQ(findings[0].fix(), "--exclude 'lm_head'");
}

TEST(FusedFindingsTest, ARuntimeThatFusesRejects) {
  const char* const kSpec = "model_type: 'llama' scheme: 'mxfp4' layer_config { pattern: '*gate_proj' scheme: 'fp8' }";
  const auto findings = Find(kSpec, {}, "vllm");
  ASSERT_THAT(Summarize(findings), ElementsAre("ERROR FUSED_MODULES_DIFFER"));
  EXPECT_EQ(findings[0].runtime(), "vllm@0.33.0");
  EXPECT_THAT(Summarize(Find(kSpec, {}, "sglang")), ElementsAre("ERROR FUSED_MODULES_DIFFER"));
  EXPECT_THAT(Find(kSpec, {}, "transformers"), IsEmpty());
}

TEST(FusedFindingsTest, ForModelsThatTheRuntimeDoesNotListItIsAWarning) {
  EXPECT_THAT(Summarize(Find("model_type: 'olmo' scheme: 'mxfp4' layer_config { pattern: '*gate_proj' scheme: 'fp8' }",
                             {}, "vllm")),
              ElementsAre("WARNING FUSED_MODULES_DIFFER"));
}

TEST(FusedFindingsTest, GroupsThatTheRuntimeLooksUpByNameAreNotReported) {
  const char* const kSpec = "model_type: 'llama' scheme: 'mxfp4' layer_config { pattern: '*k_proj' scheme: 'fp8' }";
  EXPECT_THAT(Find(kSpec, {}, "sglang"), IsEmpty());
  EXPECT_THAT(Summarize(Find(kSpec, {}, "vllm")), ElementsAre("ERROR FUSED_MODULES_DIFFER"));
}

TEST(FusedFindingsTest, TheSearchCanBeCancelled) {
  const TestPlan plan(Builtins(), Proto<v1::ConfigSpec>("model_type: 'llama' scheme: 'fp8'"), [] {
    ModuleList::Messages modules;
    AddLinear({"model.layers.{0..99999}.mlp.gate_proj"}, modules);
    return modules;
  }());
  const auto cancel = [] { return absl::CancelledError(); };
  CancellationToken token(cancel);
  FindingList findings;
  EXPECT_EQ(FindFusedFindings(plan.context(), nullptr, token, findings).code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace qconfig
