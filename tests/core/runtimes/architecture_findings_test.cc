// SPDX-License-Identifier: Apache-2.0
//
// What is found in the architectures of tests/golden/modules.json, with their own templates.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/match.h"
#include "core/runtimes/fused_findings.h"
#include "core/runtimes/runtime_findings.h"
#include "tests/core/test_plan.h"
#include "tests/core/test_support.h"
#include "tests/source_files.h"

namespace qconfig {
namespace {

// The schemes that the runtime is known to reject for linear layers.
std::set<std::string> RejectedLinear(const std::string& release, const std::string& runtime) {
  static const auto* const kCases =
      new nlohmann::json(nlohmann::json::parse(std::ifstream(SourceFile("tests/golden/runtime_schemes.json"))));
  std::set<std::string> schemes;
  for (const auto& item : *kCases) {
    if (item["release"] == release && item["runtime"] == runtime && !item["linear"] && item["linear_is_certain"]) {
      schemes.insert(item["scheme"].get<std::string>());
    }
  }
  return schemes;
}

std::set<std::string> ErrorCodes(const std::vector<v1::Finding>& findings) {
  std::set<std::string> codes;
  for (const std::string& summary : Summarize(findings)) {
    if (absl::StartsWith(summary, "ERROR ")) codes.insert(summary);
  }
  return codes;
}

// Whether the plan quantizes linear layers other than the output head.
bool QuantizesLinear(const PlanContext& context) {
  for (size_t i = 0; i < context.modules.size(); ++i) {
    if (context.plan.config_of_module[i] != 0 && context.modules.message(i).type() == "Linear" &&
        !absl::EndsWith(context.modules.name(i), "lm_head")) {
      return true;
    }
  }
  return false;
}

bool QuantizesHead(const PlanContext& context) {
  for (size_t i = 0; i < context.modules.size(); ++i) {
    if (context.plan.config_of_module[i] != 0 && absl::EndsWith(context.modules.name(i), "lm_head")) return true;
  }
  return false;
}

// With its own template, a model has the errors that the runtimes' data names, and no others.
TEST(ArchitectureFindingsTest, OfKnownArchitecturesHaveNoFalseAlarms) {
  std::ifstream file(SourceFile("tests/golden/modules.json"));
  const auto architectures = nlohmann::json::parse(file);
  const std::string release = "0.13";  // has a template for each of them
  const Snapshot snapshot(std::shared_ptr<const Catalog>(&CatalogOfRelease(release), [](const Catalog*) {}));
  ASSERT_EQ(architectures.size(), 33U);
  size_t heads = 0;
  for (const auto& [model_type, unused] : architectures.items()) {
    for (const v1::Scheme& scheme : CatalogOfRelease(release).schemes()) {
      v1::ConfigSpec spec;
      spec.set_model_type(model_type);
      spec.set_scheme(scheme.name());
      const TestPlan plan(snapshot, spec, ModulesOf(model_type));
      for (const std::string runtime : {"vllm", "sglang", "transformers"}) {
        std::set<std::string> expected;
        if (QuantizesLinear(plan.context()) && RejectedLinear(release, runtime).count(scheme.name()) > 0) {
          expected.insert("ERROR RUNTIME_REJECTS_LINEAR");
        }
        if (QuantizesHead(plan.context()) && runtime == "vllm") {
          expected.insert("ERROR RUNTIME_REJECTS_HEAD");
          ++heads;
        }
        if (model_type == "granitemoehybrid" && runtime == "sglang") {
          expected.insert("ERROR RUNTIME_REJECTS_FUSED_MODULE");
        }
        CancellationToken token;
        FindingList findings;
        ASSERT_TRUE(FindRuntimeFindings(plan.context(), **FindRuntime(runtime, ""), token, findings).ok());
        EXPECT_EQ(ErrorCodes(findings.Take()), expected) << runtime << ": " << model_type << " " << scheme.name();
      }
    }
  }
  // Only the template of deepseek_v4 leaves `lm_head` quantized: it excludes `head`, another name of it.
  EXPECT_EQ(heads, CatalogOfRelease(release).schemes().size());
}

TEST(ArchitectureFindingsTest, WithoutRuntimesKnownArchitecturesHaveNoFusedFindings) {
  std::ifstream file(SourceFile("tests/golden/modules.json"));
  const auto architectures = nlohmann::json::parse(file);
  for (const auto& [model_type, unused] : architectures.items()) {
    for (const char* extra : {"", " kv_cache_scheme: 'fp8'", " kv_cache_scheme: 'fp8' attention_scheme: 'fp8'"}) {
      const Snapshot snapshot(std::shared_ptr<const Catalog>(&CatalogOfRelease("0.13"), [](const Catalog*) {}));
      const TestPlan plan(snapshot, Proto<v1::ConfigSpec>("model_type: '" + model_type + "' scheme: 'fp8'" + extra),
                          ModulesOf(model_type));
      CancellationToken token;
      FindingList findings;
      ASSERT_TRUE(FindFusedFindings(plan.context(), nullptr, token, findings).ok());
      EXPECT_EQ(Summarize(findings.Take()), std::vector<std::string>()) << model_type << extra;
    }
  }
}

}  // namespace
}  // namespace qconfig
