// SPDX-License-Identifier: Apache-2.0
#include "core/plan_layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/core/test_plan.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

v1::PlanLayersRequest Request(absl::string_view text) { return Proto<v1::PlanLayersRequest>(text); }

v1::PlanLayersRequest LlamaRequest(absl::string_view spec, absl::string_view more = "") {
  return Request(absl::StrCat("spec { model_type: 'llama' ", spec, " } ", kLlamaModules, more));
}

std::vector<std::string> Runtimes(const v1::PlanLayersResponse& plan) {
  std::vector<std::string> runtimes;
  for (const v1::Finding& finding : plan.findings()) {
    if (!finding.runtime().empty()) runtimes.push_back(finding.runtime());
  }
  return runtimes;
}

TEST(PlanLayersTest, AnswerNamesWhatItDependsOn) {
  const auto plan = PlanLayers(Builtins(), LlamaRequest("scheme: 'fp8'"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->catalog(), "quark-0.12.post1");
  EXPECT_THAT(plan->catalog_digest(), SizeIs(64));
  EXPECT_THAT(plan->config_digest(), SizeIs(64));
  EXPECT_EQ(plan->config_of_module_size(), 34);
  EXPECT_EQ(plan->rule_of_module_size(), 34);
}

TEST(PlanLayersTest, FailAtFailsOnlyAtThisSeverity) {
  const std::string warns = "scheme: 'fp8' layer_config { pattern: '*typo*' scheme: 'int8' }";
  const auto plan = PlanLayers(Builtins(), LlamaRequest(warns, " fail_at: FINDING_SEVERITY_ERROR"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_THAT(plan->findings(), Not(IsEmpty()));
  EXPECT_EQ(plan->findings(0).severity(), v1::FINDING_SEVERITY_WARNING);

  const absl::Status status =
      PlanLayers(Builtins(), LlamaRequest(warns, " fail_at: FINDING_SEVERITY_WARNING")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonAndField(status), "PLAN_HAS_FINDINGS");
  EXPECT_THAT(GetDetail(status).findings(), Not(IsEmpty()));
  EXPECT_EQ(GetDetail(status).finding_total(), GetDetail(status).findings_size());
}

TEST(PlanLayersTest, TheSameRuntimeTwiceCountsOnce) {
  const std::string rejected = "scheme: 'int4_wo_128' layer_config { pattern: '*q_proj' scheme: 'fp8' }";
  const auto once = PlanLayers(Builtins(), LlamaRequest(rejected, " runtimes: 'vllm'"));
  ASSERT_TRUE(once.ok()) << once.status();
  EXPECT_THAT(Runtimes(*once), Not(IsEmpty()));
  EXPECT_THAT(Runtimes(*once), Each("vllm@0.33.0"));
  const auto twice = PlanLayers(Builtins(), LlamaRequest(rejected, " runtimes: 'vllm' runtimes: 'vllm@0.33.0'"));
  ASSERT_TRUE(twice.ok()) << twice.status();
  EXPECT_EQ(Runtimes(*once), Runtimes(*twice));
}

// Thousands of patterns that nearly match thousands of names.
v1::PlanLayersRequest HostileRequest() {
  v1::PlanLayersRequest request = Request("spec { model_type: 'llama' scheme: 'fp8' }");
  for (int i = 0; i < 100; ++i) {
    v1::LayerConfigEntry& entry = *request.mutable_spec()->add_layer_config();
    entry.set_pattern(absl::StrCat("*a*a*a*a*a*", i, "*"));
    entry.set_scheme("int8");
  }
  v1::Module& module = *request.add_modules();
  module.set_name(absl::StrCat(std::string(1000, 'a'), "{0..99}b"));
  module.set_type("Linear");
  return request;
}

TEST(PlanLayersTest, HostilePatternsEndAtTheStepLimit) {
  Limits limits;
  limits.plan_steps = 4 * CancellationToken::kStepsPerCheck;
  const absl::Status status = PlanLayers(Builtins(), HostileRequest(), limits).status();
  EXPECT_EQ(ReasonAndField(status), "ANSWER_TOO_LARGE at spec");
  EXPECT_THAT(std::string(status.message()), HasSubstr("would take too long"));
  EXPECT_TRUE(PlanLayers(Builtins(), HostileRequest()).ok());
}

TEST(PlanLayersTest, CallerCanCancel) {
  int checks = 0;
  const auto cancel = [&checks] { return ++checks < 3 ? absl::OkStatus() : absl::CancelledError("enough"); };
  EXPECT_EQ(PlanLayers(Builtins(), HostileRequest(), Limits(), CancellationToken(cancel)).status(),
            absl::CancelledError("enough"));
  EXPECT_EQ(checks, 3);
}

TEST(PlanLayersTest, ShapeErrorsNameTheField) {
  const std::string spec = "spec { model_type: 'llama' scheme: 'fp8' } ";
  const std::string modules = "modules { name: 'a' type: 'Linear' } ";
  const struct {
    std::string request;
    const char* field;
  } kCases[] = {
      {modules, "spec"},
      {spec, "modules"},
      {spec + modules + "modules { type: 'Linear' }", "modules[1].name"},
      {spec + modules + "modules { name: 'b' }", "modules[1].type"},
      {spec + "modules { name: 'a' type: 'Linear' shape: [1, -2] }", "modules[0].shape[1]"},
      {spec + "modules { name: 'a' type: 'Linear' shape: [1099511627776, 2] }", "modules[0].shape"},
      {spec + "modules { name: 'a' type: 'Linear' shape: [1, 2, 3, 4, 5, 6, 7, 8, 9] }", "modules[0].shape"},
      {spec + modules +
           "runtimes: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q']",
       "runtimes"},
      {spec + modules + "tensor_parallel_size: -1", "tensor_parallel_size"},
      {spec + modules + "revision: -1", "revision"},
  };
  for (const auto& item : kCases) {
    EXPECT_EQ(ReasonAndField(CheckShape(Request(item.request), Limits())),
              absl::StrCat("INVALID_REQUEST at ", item.field))
        << item.request;
  }
  EXPECT_TRUE(CheckShape(Request(spec + modules), Limits()).ok());
}

}  // namespace
}  // namespace qconfig
