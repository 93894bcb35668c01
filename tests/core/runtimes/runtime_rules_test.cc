// SPDX-License-Identifier: Apache-2.0
#include "core/runtimes/runtime_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "core/embedded_files.h"
#include "tests/core/test_support.h"
#include "tests/source_files.h"

namespace qconfig {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(RuntimeRulesTest, BuiltInDataIsValid) {
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    if (!absl::StartsWith(file.path, "runtimes/")) continue;
    EXPECT_TRUE(ReadRuntime(file.contents).ok()) << file.path << ": " << ReadRuntime(file.contents).status();
  }
}

// tests/golden/runtime_schemes.json has what the runtimes themselves decided.
TEST(RuntimeRulesTest, AcceptExactlyTheSchemesThatTheRuntimeAccepts) {
  std::ifstream file(SourceFile("tests/golden/runtime_schemes.json"));
  const auto cases = nlohmann::json::parse(file);
  ASSERT_EQ(cases.size(), 165U);
  for (const auto& item : cases) {
    const Runtime& runtime = **FindRuntime(item["runtime"].get<std::string>(), "");
    const v1::Scheme* scheme =
        CatalogOfRelease(item["release"].get<std::string>()).FindScheme(item["scheme"].get<std::string>());
    ASSERT_NE(scheme, nullptr) << item;
    const SchemeRules::Verdict linear = runtime.linear.Judge(scheme->config());
    EXPECT_EQ(linear.accepted, item["linear"].get<bool>()) << item << linear.rule->id;
    EXPECT_EQ(runtime.experts.Judge(scheme->config()).accepted, item["experts"].get<bool>()) << item;
    EXPECT_EQ(linear.accepted || linear.rule->is_certain, linear.accepted || item["linear_is_certain"].get<bool>())
        << item;
  }
}

TEST(RuntimeRulesTest, FieldsMustHaveAcceptedValues) {
  const Runtime& vllm = **FindRuntime("vllm", "");
  const auto judge = [&vllm](const char* config) { return vllm.linear.Judge(Proto<v1::QLayerConfig>(config)); };
  EXPECT_TRUE(judge("weight { dtype: DTYPE_INT4 group_size: 1 symmetric: true }").accepted);
  EXPECT_FALSE(judge("weight { dtype: DTYPE_INT4 group_size: 0 symmetric: true }").accepted);
  EXPECT_FALSE(judge("weight { dtype: DTYPE_INT4 group_size: 1 }").accepted) << "symmetric is unset";
  EXPECT_EQ(judge("").rule->id, "weight_not_quantized");
}

TEST(RuntimeRulesTest, QuantizedBiasesAndOutputsAreRejected) {
  const Runtime& vllm = **FindRuntime("vllm", "");
  v1::QLayerConfig config = CatalogOfRelease("0.13").FindScheme("fp8")->config();
  EXPECT_TRUE(vllm.linear.Judge(config).accepted);
  *config.add_bias() = config.weight(0);
  EXPECT_THAT(vllm.linear.Judge(config).rule->cause, HasSubstr("biases"));
  config.mutable_output_tensors()->Swap(config.mutable_bias());
  EXPECT_FALSE(vllm.linear.Judge(config).accepted);
  EXPECT_FALSE(vllm.experts.Judge(config).accepted);
}

TEST(RuntimeRulesTest, SuggestedSchemesAreAccepted) {
  for (const char* name : {"vllm", "sglang", "transformers"}) {
    const Runtime& runtime = **FindRuntime(name, "");
    const v1::Scheme* scheme = CatalogOfRelease("0.13").FindScheme(runtime.fallback_scheme);
    ASSERT_NE(scheme, nullptr);
    EXPECT_TRUE(runtime.linear.Judge(scheme->config()).accepted) << name;
  }
}

TEST(FindRuntimeTest, TakesNamesWithAndWithoutVersion) {
  EXPECT_EQ((*FindRuntime("vllm", ""))->id(), "vllm@0.33.0");
  EXPECT_EQ((*FindRuntime("vllm@0.33.0", ""))->id(), "vllm@0.33.0");
  EXPECT_EQ((*FindRuntime("sglang", ""))->title, "SGLang");
}

TEST(FindRuntimeTest, UnknownRuntimesAreRejectedWithTheKnownOnes) {
  for (const char* id : {"", "vlm", "vllm@0.32.0", "vllm@", "VLLM"}) {
    EXPECT_EQ(ReasonAndField(FindRuntime(id, "runtimes[2]").status()), "INVALID_REQUEST at runtimes[2]") << id;
  }
  const v1::ErrorDetail detail = GetDetail(FindRuntime("vlm", "runtimes[2]").status());
  EXPECT_THAT(detail.allowed(),
              ElementsAre("sglang", "sglang@0.5.23", "transformers", "transformers@5.24.0", "vllm", "vllm@0.33.0"));
  EXPECT_THAT(detail.suggestions(), ::testing::Contains("vllm"));
  EXPECT_EQ(detail.advice(), "Leave the runtime out to plan without the checks of a runtime.");
}

TEST(FindRuntimeTest, VersionsCompareAsNumbers) {
  EXPECT_TRUE(IsOlderVersion("0.9.2", "0.10.2"));
  EXPECT_FALSE(IsOlderVersion("0.10.2", "0.9.2"));
  EXPECT_FALSE(IsOlderVersion("0.33.0", "0.33.0"));
  EXPECT_TRUE(IsOlderVersion("0.33", "0.33.1"));
}

TEST(ReadRuntimeTest, MalformedDataIsAnError) {
  const std::string valid(FindEmbeddedFile("runtimes/vllm-0.33.0.json"));
  ASSERT_TRUE(ReadRuntime(valid).ok());
  const struct {
    const char* from;
    const char* to;
    const char* problem;
  } kCases[] = {
      {R"("name": "vllm")", R"("name": 1)", "name: not a string"},
      {R"("dtype": ["fp4"])", R"("dtype": ["fp5"])", "unknown value fp5"},
      {R"("dtype": ["fp4"])", R"("dtyp": ["fp4"])", "no such field"},
      {R"("dtype": ["fp4"])", R"("dtype": "fp4")", "not a list of values"},
      {R"({"min": 1})", R"({"max": 1})", "neither min nor length"},
      {R"("needs": ["nvfp4"])", R"("needs": ["nvfp5"])", "unknown need nvfp5"},
      {R"("effect": "overrides_ignored")", R"("effect": "none")", "unknown value none"},
      {R"("layer_types": false)", R"("layer_types": 0)", "layer_types: not a boolean"},
      {R"("source")", R"("sources")", "has no source"},
      {R"("cause")", R"("because")", "has no cause"},
  };
  for (const auto& [from, to, problem] : kCases) {
    const std::string json = absl::StrReplaceAll(valid, {{from, to}});
    ASSERT_NE(json, valid) << from;
    EXPECT_THAT(ReadRuntime(json).status().message(), HasSubstr(problem)) << to;
  }
  EXPECT_FALSE(ReadRuntime("[]").ok());
}

}  // namespace
}  // namespace qconfig
