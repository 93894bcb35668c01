// SPDX-License-Identifier: Apache-2.0
#include "core/runtimes/runtime_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/test_plan.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kExperts = {"model.layers.{0..3}.mlp.experts.{0..7}.gate_proj",
                                           "model.layers.{0..3}.mlp.experts.{0..7}.up_proj",
                                           "model.layers.{0..3}.mlp.experts.{0..7}.down_proj"};

std::vector<v1::Finding> Find(const std::string& spec, const std::string& runtime,
                              const std::vector<std::string>& more_modules = {}, const char* release = "0.12.post1") {
  const auto parsed = Proto<v1::ConfigSpec>(spec);
  ModuleList::Messages modules = ModulesOf(parsed.model_type());
  AddLinear(more_modules, modules);
  const Snapshot snapshot(std::shared_ptr<const Catalog>(&CatalogOfRelease(release), [](const Catalog*) {}));
  const TestPlan plan(snapshot, parsed, std::move(modules));
  CancellationToken token;
  FindingList findings;
  EXPECT_TRUE(FindRuntimeFindings(plan.context(), **FindRuntime(runtime, ""), token, findings).ok());
  return findings.Take();
}

// The findings that are not infos.
std::vector<v1::Finding> FindProblems(const std::string& spec, const std::string& runtime,
                                      const std::vector<std::string>& more_modules = {}) {
  std::vector<v1::Finding> problems;
  for (v1::Finding& finding : Find(spec, runtime, more_modules)) {
    if (finding.severity() > v1::FINDING_SEVERITY_INFO) problems.push_back(std::move(finding));
  }
  return problems;
}

// Each kind of finding, with a case that has it and cases that almost have it.
TEST(RuntimeFindingsTest, HaveTheirCases) {
  const struct {
    const char* spec;
    const char* runtime;
    bool has_experts;
    std::vector<std::string> problems;
    const char* fix;  // of the first problem
  } kCases[] = {
      // Linear layers and experts.
      {"model_type: 'llama' scheme: 'fp8'", "vllm", false, {}, ""},
      {"model_type: 'llama' scheme: 'int4_wo_128'", "vllm", false, {}, ""},
      {"model_type: 'llama' scheme: 'int4_wo_per_channel'",
       "vllm",
       false,
       {"ERROR RUNTIME_REJECTS_LINEAR"},
       "--scheme int4_wo_32"},
      {"model_type: 'llama' scheme: 'int4_wo_128'", "sglang", false, {"ERROR RUNTIME_REJECTS_LINEAR"}, "--scheme fp8"},
      {"model_type: 'llama' scheme: 'nvfp4'", "sglang", false, {"ERROR RUNTIME_REJECTS_LINEAR"}, "--scheme mxfp4"},
      {"model_type: 'llama' scheme: 'nvfp4'", "vllm", false, {}, ""},
      {"model_type: 'llama' scheme: 'nvfp4'", "transformers", false, {"WARNING RUNTIME_REJECTS_LINEAR"}, nullptr},
      {"model_type: 'llama' scheme: 'mx6'", "transformers", false, {"ERROR RUNTIME_REJECTS_LINEAR"}, "--scheme fp8"},
      {"model_type: 'llama' scheme: 'fp8' layer_config { pattern: '*down_proj' scheme: 'mx6' }",
       "vllm",
       false,
       {"ERROR RUNTIME_REJECTS_LINEAR"},
       "--layer '*down_proj=fp8'"},
      {"model_type: 'llama' scheme: 'int4_fp8'", "vllm", false, {"ERROR RUNTIME_REJECTS_LINEAR"}, "--scheme fp8"},
      {"model_type: 'qwen3_moe' scheme: 'int4_fp8'",
       "vllm",
       true,
       {"ERROR RUNTIME_REJECTS_LINEAR"},
       "--scheme fp8 --layer '*.experts*=int4_fp8'"},
      {"model_type: 'qwen3_moe' scheme: 'fp8' layer_config { pattern: '*.experts*' scheme: 'int4_fp8' }",
       "vllm",
       true,
       {},
       ""},
      {"model_type: 'qwen3_moe' scheme: 'fp8' layer_config { pattern: '*.experts*' scheme: 'int4_wa_64' }",
       "vllm",
       true,
       {"ERROR RUNTIME_REJECTS_EXPERTS"},
       "--layer '*.experts*=int4_wo_32'"},
      {"model_type: 'qwen3_moe' scheme: 'fp8'",
       "transformers",
       true,
       {"WARNING RUNTIME_REJECTS_EXPERTS"},
       "--exclude 'lm_head' --exclude '*.gate' --exclude '*.gate.linear' --exclude '*.experts*'"},
      {"model_type: 'qwen3_moe' scheme: 'mxfp4_fp8'",
       "sglang",
       true,
       {"ERROR RUNTIME_REJECTS_LINEAR"},
       "--scheme mxfp4 --layer '*.experts*=mxfp4_fp8'"},
      // Output head and embeddings.
      {"model_type: 'llama' scheme: 'fp8' exclude_layers {}",
       "vllm",
       false,
       {"ERROR RUNTIME_REJECTS_HEAD"},
       "--exclude '*lm_head'"},
      {"model_type: 'llama' scheme: 'fp8' layer_config { pattern: '*embed_tokens' scheme: 'fp8' }",
       "vllm",
       false,
       {"ERROR RUNTIME_REJECTS_HEAD"},
       "--exclude 'lm_head' --exclude '*embed_tokens'"},
      {"model_type: 'llama' scheme: 'fp8' exclude_layers {}", "sglang", false, {}, ""},
      // KV cache.
      {"model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8'", "vllm", false, {}, ""},
      {"model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8'", "sglang", false, {}, ""},
      {"model_type: 'mixtral' scheme: 'fp8' kv_cache_scheme: 'fp8' exclude_layers { patterns: ['lm_head', '*_proj'] }",
       "vllm",
       false,
       {"ERROR RUNTIME_REJECTS_KV_CACHE"},
       "--exclude 'lm_head'"},
      {"model_type: 'mixtral' scheme: 'fp8' kv_cache_scheme: 'fp8' exclude_layers { patterns: ['lm_head', '*_proj'] }",
       "sglang",
       false,
       {"ERROR RUNTIME_REJECTS_KV_CACHE", "WARNING RUNTIME_IGNORES_QKV_RULE"},
       "--exclude 'lm_head'"},
      {"model_type: 'mixtral' scheme: 'fp8' kv_cache_scheme: 'fp8' exclude_layers { patterns: ['lm_head', "
       "'*self_attn*'] }",
       "vllm",
       false,
       {},
       ""},
      {"model_type: 'mixtral' scheme: 'fp8' kv_cache_scheme: 'fp8'"
       "layer_config { pattern: 'model.layers.0.self_attn.k_proj' scheme: 'fp8' }",
       "vllm",
       false,
       {"ERROR RUNTIME_REJECTS_KV_CACHE"},
       "Remove --layer 'model.layers.0.self_attn.k_proj=fp8'"},
      {"model_type: 'phi' scheme: 'fp8' kv_cache_scheme: 'fp8'"
       "layer_config { pattern: '*[qkv]_proj' scheme: 'ptpc_fp8' }",
       "sglang",
       false,
       {},
       ""},
      {"model_type: 'phi' scheme: 'fp8' kv_cache_scheme: 'fp8' layer_config { pattern: '*v_proj' scheme: 'ptpc_fp8' }",
       "sglang",
       false,
       {"ERROR RUNTIME_REJECTS_KV_CACHE"},
       "--layer '*k_proj=ptpc_fp8' --layer '*v_proj=ptpc_fp8'"},
      {"model_type: 'phi3' scheme: 'fp8' kv_cache_scheme: 'fp8'",
       "vllm",
       false,
       {"WARNING RUNTIME_REJECTS_KV_CACHE"},
       "--kv-cache-scheme ''"},
      {"model_type: 'phi3' scheme: 'fp8' kv_cache_scheme: 'fp8'", "sglang", false, {}, ""},
      // Attention.
      {"model_type: 'llama' scheme: 'fp8' attention_scheme: 'fp8'",
       "vllm",
       false,
       {"ERROR RUNTIME_REJECTS_ATTENTION"},
       "--kv-cache-scheme fp8"},
      {"model_type: 'llama' scheme: 'fp8' attention_scheme: 'fp8' kv_cache_scheme: 'fp8'", "vllm", false, {}, ""},
      {"model_type: 'llama' scheme: 'fp8' attention_scheme: 'fp8' exclude_layers { patterns: ['*_head', '*_attn*'] }",
       "vllm",
       false,
       {},
       ""},
      {"model_type: 'gemma3' scheme: 'fp8' attention_scheme: 'fp8' kv_cache_scheme: 'fp8'",
       "vllm",
       false,
       {"ERROR RUNTIME_REJECTS_ATTENTION"},
       "--attention-scheme ''"},
      {"model_type: 'gemma2' scheme: 'fp8' attention_scheme: 'fp8'",
       "sglang",
       false,
       {"ERROR RUNTIME_REJECTS_ATTENTION"},
       nullptr},
      {"model_type: 'llama' scheme: 'fp8' attention_scheme: 'fp8'", "sglang", false, {}, ""},
      {"model_type: 'llama' scheme: 'fp8' attention_scheme: 'fp8'", "transformers", false, {}, ""},
      // Modules that the model has in fused form.
      {"model_type: 'granitemoehybrid' scheme: 'fp8'",
       "sglang",
       false,
       {"ERROR RUNTIME_REJECTS_FUSED_MODULE"},
       "--exclude 'lm_head' --exclude '*router*' --exclude '*conv1d' --exclude '*in_proj' --exclude '*input_linear'"},
      {"model_type: 'granitemoehybrid' scheme: 'fp8' exclude_layers { patterns: ['lm_head', '*in*'] }",
       "sglang",
       false,
       {},
       ""},
      {"model_type: 'granitemoehybrid' scheme: 'fp8'", "vllm", false, {}, ""},
      {"model_type: 'phi3' scheme: 'fp8' layer_config { pattern: '*qkv_proj' scheme: 'mxfp4' }",
       "vllm",
       false,
       {"WARNING RUNTIME_IGNORES_OVERRIDE"},
       "--exclude 'lm_head' --exclude '*qkv_proj'"},
      {"model_type: 'phi3' scheme: 'fp8' layer_config { pattern: '*down_proj' scheme: 'mxfp4' }",
       "vllm",
       false,
       {},
       ""},
      // Overrides that the runtime reads differently.
      {"model_type: 'llama' scheme: 'fp8'"
       "layer_config { pattern: '*mlp.down_proj' scheme: 'ptpc_fp8' }"
       "layer_config { pattern: 'model.layers.0.mlp.down_proj' scheme: 'mxfp4' }",
       "vllm",
       false,
       {"WARNING RUNTIME_OVERRIDE_ORDER"},
       "--layer '**model.layers.0.mlp.down_proj=mxfp4' --layer '*mlp.down_proj=ptpc_fp8'"},
      {"model_type: 'llama' scheme: 'fp8'"
       "layer_config { pattern: '**model.layers.0.mlp.down_proj' scheme: 'mxfp4' }"
       "layer_config { pattern: '*mlp.down_proj' scheme: 'ptpc_fp8' }",
       "vllm",
       false,
       {},
       ""},
      {"model_type: 'llama' scheme: 'fp8'"
       "layer_config { pattern: '*mlp.down_proj' scheme: 'ptpc_fp8' }"
       "layer_config { pattern: '*down_proj' scheme: 'mxfp4' }",
       "transformers",
       false,
       {"WARNING RUNTIME_OVERRIDE_ORDER"},
       nullptr},
      {"model_type: 'llama' scheme: 'fp8'"
       "layer_config { pattern: '*mlp.down_proj' scheme: 'mxfp4' }"
       "layer_config { pattern: '*down_proj' scheme: 'mxfp4' }",
       "vllm",
       false,
       {},
       ""},
      {"model_type: 'llama' scheme: 'mxfp4'"
       "layer_config { pattern: '*down_proj' scheme: 'fp8' }"
       "layer_config { pattern: '*' scheme: 'int8' }",
       "transformers",
       false,
       {"WARNING RUNTIME_OVERRIDE_ORDER"},
       "--layer '*down_proj=fp8' --layer '?*=int8'"},
      {"model_type: 'llama' scheme: 'mxfp4'"
       "layer_config { pattern: '*down_proj' scheme: 'fp8' }"
       "layer_config { pattern: '?*' scheme: 'int8' }",
       "transformers",
       false,
       {},
       ""},
      {"model_type: 'phi' scheme: 'fp8' kv_cache_scheme: 'fp8'"
       "layer_config { pattern: '*.?ayers.0.*' scheme: 'ptpc_fp8' }",
       "sglang",
       false,
       {"WARNING RUNTIME_OVERRIDE_ORDER", "WARNING RUNTIME_OVERRIDE_ORDER"},
       "--layer '?*.?ayers.0.*=ptpc_fp8'"},
      {"model_type: 'llama' scheme: 'fp8' layer_config { pattern: 'model.layers.?.mlp.down_proj' scheme: 'mxfp4' }",
       "vllm",
       false,
       {"WARNING RUNTIME_IGNORES_OVERRIDE"},
       "--layer '*model.layers.?.mlp.down_proj=mxfp4'"},
      {"model_type: 'llama' scheme: 'fp8' layer_config { pattern: 'model.layers.?.mlp.down_proj' scheme: 'mxfp4' }",
       "sglang",
       false,
       {},
       ""},
      {"model_type: 'llama' scheme: 'fp8' layer_config { pattern: '*model.layers.?.mlp.down_proj' scheme: 'mxfp4' }",
       "vllm",
       false,
       {},
       ""},
      {"model_type: 'llama' scheme: 'mxfp4' layer_type_config { layer_type: 'Linear' scheme: 'fp8' }",
       "vllm",
       false,
       {"WARNING RUNTIME_IGNORES_LAYER_TYPE"},
       "--scheme fp8"},
      {"model_type: 'llama' scheme: 'fp8' layer_type_config { layer_type: 'Linear' scheme: 'fp8' }",
       "vllm",
       false,
       {},
       ""},
      {"model_type: 'llama' scheme: 'mxfp4' layer_type_config { layer_type: 'Linear' scheme: 'fp8' }",
       "transformers",
       false,
       {},
       ""},
      {"model_type: 'llama' scheme: 'mxfp4' layer_type_config { layer_type: 'Linear' scheme: 'fp8' }"
       "layer_config { pattern: '*down_proj' scheme: 'int8' }",
       "transformers",
       false,
       {},
       ""},
      // Experts.
      {"model_type: 'qwen3_moe' scheme: 'fp8' layer_config { pattern: '*.experts.*' scheme: 'mxfp4' }",
       "vllm",
       true,
       {"WARNING RUNTIME_IGNORES_EXPERT_OVERRIDE"},
       "--layer '*.experts*=mxfp4'"},
      {"model_type: 'qwen3_moe' scheme: 'fp8' layer_config { pattern: '*.experts*' scheme: 'mxfp4' }",
       "vllm",
       true,
       {},
       ""},
      {"model_type: 'qwen3_moe' scheme: 'fp8' exclude_layers { patterns: ['lm_head', '*.2.mlp.experts.1.*'] }",
       "vllm",
       true,
       {"WARNING FUSED_MODULES_PARTLY_EXCLUDED", "WARNING RUNTIME_UNQUANTIZES_EXPERTS"},
       "--exclude 'lm_head'"},
      {"model_type: 'qwen3_moe' scheme: 'fp8' exclude_layers { patterns: ['lm_head', '*.2.mlp.experts.*'] }",
       "vllm",
       true,
       {},
       ""},
      // Projections that SGLang looks up as one.
      {"model_type: 'llama' scheme: 'fp8' exclude_layers { patterns: ['lm_head', '*self_attn*'] }",
       "sglang",
       false,
       {"WARNING RUNTIME_IGNORES_QKV_RULE"},
       "--exclude 'lm_head'"},
      {"model_type: 'llama' scheme: 'fp8' layer_config { pattern: '*k_proj' scheme: 'mxfp4' }",
       "sglang",
       false,
       {"WARNING RUNTIME_IGNORES_QKV_RULE"},
       "--layer '*q_proj=mxfp4' --layer '*v_proj=mxfp4' --layer '*qkv_proj=mxfp4'"},
      {"model_type: 'llama' scheme: 'fp8' layer_config { pattern: '*v_proj' scheme: 'mxfp4' }",
       "sglang",
       false,
       {"WARNING RUNTIME_IGNORES_QKV_RULE"},
       "--layer '*q_proj=mxfp4' --layer '*k_proj=mxfp4' --layer '*qkv_proj=mxfp4'"},
      {"model_type: 'llama' scheme: 'fp8' layer_config { pattern: '*[qkv]_proj' scheme: 'mxfp4' }",
       "sglang",
       false,
       {},
       ""},
      {"model_type: 'gemma2' scheme: 'fp8' exclude_layers { patterns: ['lm_head', '*self_attn*'] }",
       "sglang",
       false,
       {},
       ""},
      {"model_type: 'glm4_moe' scheme: 'fp8'", "sglang", false, {"WARNING RUNTIME_IGNORES_QKV_RULE"}, nullptr},
      {"model_type: 'glm4_moe' scheme: 'fp8'", "vllm", false, {}, ""},
  };
  for (const auto& test_case : kCases) {
    const auto problems =
        FindProblems(test_case.spec, test_case.runtime, test_case.has_experts ? kExperts : std::vector<std::string>());
    EXPECT_EQ(Summarize(problems), test_case.problems) << test_case.runtime << ": " << test_case.spec;
    if (problems.empty()) continue;
    EXPECT_EQ(problems[0].runtime(), (*FindRuntime(test_case.runtime, ""))->id());
    EXPECT_GT(problems[0].module_count() + (problems[0].code() == v1::FINDING_CODE_RUNTIME_REJECTS_KV_CACHE), 0);
    if (test_case.fix == nullptr) continue;
    EXPECT_EQ(problems[0].fix(), test_case.fix) << test_case.spec;
  }
}

TEST(RuntimeFindingsTest, OptionsAndHardwareAreInfos) {
  const auto findings = Find("model_type: 'llama' scheme: 'fp8' kv_cache_scheme: 'fp8'", "sglang");
  ASSERT_THAT(Summarize(findings), ElementsAre("INFO RUNTIME_NEEDS_HARDWARE", "INFO RUNTIME_NEEDS_OPTION"));
  EXPECT_EQ(findings[0].module_count(), 28);
  EXPECT_EQ(findings[1].module_count(), 8);
  EXPECT_EQ(findings[1].fix(), "--kv-cache-dtype fp8_e4m3");
  EXPECT_THAT(Summarize(Find("model_type: 'llama' scheme: 'int4_wo_128'", "vllm")), ElementsAre());
  EXPECT_THAT(Summarize(Find("model_type: 'llama' scheme: 'int4_wo_128'", "transformers")),
              ElementsAre("INFO RUNTIME_NEEDS_HARDWARE"));
}

TEST(RuntimeFindingsTest, MessagesSayCauseAndEffect) {
  const auto rejected = FindProblems("model_type: 'llama' scheme: 'int4_wo_per_channel'", "vllm");
  EXPECT_EQ(
      rejected.at(0).message(),
      "vLLM 0.33.0 rejects linear layers with weight int4 per_channel: for int4 weights it needs a group size, and "
      "this configuration has none");
  EXPECT_EQ(rejected[0].field(), "spec.scheme");
  const auto ignored = FindProblems(
      "model_type: 'llama' scheme: 'mxfp4_weight_only' layer_type_config { layer_type: 'Linear' scheme: 'int4_wo_64' }",
      "vllm");
  EXPECT_EQ(ignored.at(0).message(),
            "vLLM 0.33.0 ignores overrides by layer type: it reads these modules with the global configuration (weight "
            "fp4 per_group 32), but Quark uses \"Linear\" (weight int4 per_group 64)");
  EXPECT_EQ(ignored[0].field(), "spec.layer_type_config[0].layer_type");
  EXPECT_EQ(ignored[0].module_count(), 28);
}

TEST(RuntimeFindingsTest, AreBoundedForManyCauses) {
  auto spec = Proto<v1::ConfigSpec>("model_type: 'llama' scheme: 'fp8'");
  for (int i = 0; i < 3000; ++i) {
    v1::LayerConfigEntry& entry = *spec.add_layer_config();
    entry.set_pattern("model.layers." + std::to_string(i) + ".?lp.down_proj");
    entry.set_scheme("mxfp4");
  }
  ModuleList::Messages modules;
  AddLinear({"model.layers.{0..2999}.mlp.down_proj"}, modules);
  const TestPlan plan(Builtins(), spec, std::move(modules));
  CancellationToken token;
  FindingList findings;
  ASSERT_TRUE(FindRuntimeFindings(plan.context(), **FindRuntime("vllm", ""), token, findings).ok());
  EXPECT_EQ(findings.Count(v1::FINDING_SEVERITY_WARNING), 1000);
}

TEST(RuntimeFindingsTest, TheSearchCanBeCancelled) {
  ModuleList::Messages modules;
  AddLinear({"model.layers.{0..199999}.mlp.gate_proj"}, modules);
  const TestPlan plan(Builtins(), Proto<v1::ConfigSpec>("model_type: 'llama' scheme: 'fp8'"), std::move(modules));
  const auto cancel = [] { return absl::CancelledError(); };
  for (const auto find : {FindRuntimeSchemeFindings, FindRuntimeOverrideFindings, FindRuntimeFindings}) {
    CancellationToken token(cancel);
    FindingList findings;
    EXPECT_EQ(find(plan.context(), **FindRuntime("vllm", ""), token, findings).code(), absl::StatusCode::kCancelled);
  }
}

}  // namespace
}  // namespace qconfig
