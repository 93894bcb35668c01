// SPDX-License-Identifier: Apache-2.0
#include "core/algorithm_rules.h"

#include <gtest/gtest.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

// "fails", "unusual" or "" for an algorithm with a built-in scheme of the newest release.
std::string Effect(absl::string_view algorithm, absl::string_view scheme) {
  const AlgorithmRule* rule = FindAlgorithmRule(algorithm, CatalogOfRelease("0.13").FindScheme(scheme)->config());
  if (rule == nullptr) return "";
  return rule->effect == AlgorithmRule::Effect::kFails ? "fails" : "unusual";
}

TEST(AlgorithmRulesTest, TwoStageWeightsFail) {
  for (const char* algorithm : {"awq", "gptq", "gptaq", "qronos"}) {
    for (const char* scheme : {"nvfp4", "int4_fp8", "fp4_block16_scale_e4m3", "amdfp4_global16", "amdfp4_global32"}) {
      EXPECT_EQ(Effect(algorithm, scheme), "fails") << algorithm << " " << scheme;
    }
  }
  EXPECT_EQ(Effect("smoothquant", "nvfp4"), "unusual");
  EXPECT_EQ(Effect("autoround", "nvfp4"), "");
}

TEST(AlgorithmRulesTest, BlockFormatsFailWithGptqAndItsRelatives) {
  for (const char* algorithm : {"gptq", "gptaq", "qronos"}) {
    for (const char* scheme : {"mx6", "mx9", "bfp16"}) EXPECT_EQ(Effect(algorithm, scheme), "fails") << scheme;
  }
  EXPECT_EQ(Effect("awq", "mx6"), "unusual");
}

TEST(AlgorithmRulesTest, AwqAndGptqAreForLowBitWeights) {
  for (const char* algorithm : {"awq", "gptq"}) {
    for (const char* scheme : {"int4_wo_32", "int4_wo_128", "int4_wo_per_channel", "uint4_wo_64"}) {
      EXPECT_EQ(Effect(algorithm, scheme), "") << scheme;
    }
    for (const char* scheme : {"fp8", "int8", "mxfp4", "int4_wa_64"}) {
      EXPECT_EQ(Effect(algorithm, scheme), "unusual") << scheme;
    }
  }
  EXPECT_EQ(Effect("qronos", "mxfp4"), "");
}

TEST(AlgorithmRulesTest, SmoothingIsForInt8) {
  for (const char* algorithm : {"smoothquant", "autosmoothquant", "rotation"}) {
    EXPECT_EQ(Effect(algorithm, "int8"), "");
    EXPECT_EQ(Effect(algorithm, "fp8"), "unusual");
    EXPECT_EQ(Effect(algorithm, "int4_wo_128"), "unusual");
  }
}

TEST(AlgorithmRulesTest, LayersWithoutQuantizedWeightHaveNoRules) {
  EXPECT_EQ(FindAlgorithmRule("awq", v1::QLayerConfig()), nullptr);
  EXPECT_EQ(FindAlgorithmRule("awq", Proto<v1::QLayerConfig>("input_tensors { dtype: DTYPE_FP8_E4M3 }")), nullptr);
}

TEST(AlgorithmRulesTest, MalformedRulesAreRejected) {
  const std::string valid =
      R"({"rules": [{"algorithms": ["awq"], "when": {"weight_dtypes": ["mx6"]}, "effect": "fails", "text": "fails"}]})";
  EXPECT_TRUE(ReadAlgorithmRules(valid).ok());
  const std::pair<const char*, const char*> kChanges[] = {
      {"\"rules\"", "\"rule\""}, {"[\"awq\"]", "[]"},       {"awq", "awk"},           {"mx6", "mx7"},
      {"\"when\"", "\"if\""},    {"weight_dt", "weigt_dt"}, {"\"fails\",", "\"x\","}, {"\"text\"", "\"texts\""},
      {"{\"rules", "rules"},     {"[{", "[1, {"},
  };
  for (const auto& [from, to] : kChanges) {
    EXPECT_FALSE(ReadAlgorithmRules(absl::StrReplaceAll(valid, {{from, to}})).ok()) << from;
  }
}

}  // namespace
}  // namespace qconfig
