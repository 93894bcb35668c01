// SPDX-License-Identifier: Apache-2.0
//
// What a plan finds in real models: every architecture of tests/golden/modules.json with every built-in scheme. Any
// finding that is not in a list below is a false alarm.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/core/test_plan.h"
#include "tests/source_files.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

ordered_json ReadArchitectures() {
  std::ifstream file(SourceFile("tests/golden/modules.json"));
  return ordered_json::parse(file);
}

v1::PlanLayersRequest RequestFor(const std::string& model_type, const ordered_json& modules) {
  v1::PlanLayersRequest request;
  request.mutable_spec()->set_model_type(model_type);
  for (const ordered_json& entry : modules) {
    v1::Module& module = *request.add_modules();
    module.set_name(entry[0].get<std::string>());
    module.set_type(entry[1].get<std::string>());
  }
  return request;
}

// "<model type> <code> <severity> <field>" of all findings for all architectures and schemes.
std::set<std::string> FindingsIn(const Snapshot& snapshot, const v1::ConfigSpec& options) {
  std::set<std::string> found;
  const ordered_json architectures = ReadArchitectures();
  for (const auto& [model_type, modules] : architectures.items()) {
    v1::PlanLayersRequest request = RequestFor(model_type, modules);
    request.mutable_spec()->MergeFrom(options);
    for (const v1::Scheme* scheme : snapshot.schemes()) {
      request.mutable_spec()->set_scheme(scheme->name());
      for (const v1::Finding& finding : FindingsOf(request, snapshot)) {
        found.insert(absl::StrCat(model_type, " ",
                                  absl::StripPrefix(v1::FindingCode_Name(finding.code()), "FINDING_CODE_"), " ",
                                  absl::StripPrefix(v1::FindingSeverity_Name(finding.severity()), "FINDING_SEVERITY_"),
                                  " ", finding.field()));
      }
    }
  }
  return found;
}

// True in all plans of these models.
const std::set<std::string> kAlways = {
    // The template names the modules of DeepSeek's own code, such as "head" and "*wkv", and not those of transformers.
    "deepseek_v4 LM_HEAD_QUANTIZED WARNING spec.scheme",
    // The template excludes everything but the experts, which transformers fuses into one module for each layer.
    "glm4_moe NOTHING_QUANTIZED WARNING template.exclude_layers_name",
    "kimi_k25 NOTHING_QUANTIZED WARNING template.exclude_layers_name",
    "minimax_m2 NOTHING_QUANTIZED WARNING template.exclude_layers_name",
    "qwen3_5_moe NOTHING_QUANTIZED WARNING template.exclude_layers_name",
};

class PlanArchitecturesTest : public testing::TestWithParam<const char*> {
 protected:
  static std::set<std::string> Expected(const std::set<std::string>& more) {
    std::set<std::string> expected = kAlways;
    expected.insert(more.begin(), more.end());
    return expected;
  }

  const Snapshot snapshot_{std::shared_ptr<const Catalog>(std::shared_ptr<void>(), &CatalogOfRelease(GetParam()))};
};

TEST_P(PlanArchitecturesTest, DefaultOptions) {
  EXPECT_EQ(FindingsIn(snapshot_, {}), Expected({
                                           // The four layers are of the Mamba kind; attention comes later.
                                           "granitemoehybrid TEMPLATE_DOES_NOT_FIT INFO spec.model_type",
                                       }));
}

TEST_P(PlanArchitecturesTest, KvCacheAndAttention) {
  EXPECT_EQ(FindingsIn(snapshot_, Proto<v1::ConfigSpec>("kv_cache_scheme: 'fp8' attention_scheme: 'fp8'")),
            Expected({
                "deepseek_v4 PATTERN_MATCHES_NOTHING WARNING template.kv_layers_name[0]",
                "deepseek_v4 PATTERN_MATCHES_NOTHING WARNING template.q_layer_name[0]",
                "granitemoehybrid PATTERN_MATCHES_NOTHING WARNING template.kv_layers_name[0]",
                "granitemoehybrid PATTERN_MATCHES_NOTHING WARNING template.q_layer_name[0]",
                "granitemoehybrid TEMPLATE_DOES_NOT_FIT WARNING spec.model_type",
                // The templates are for the multimodal models, where the text model is below "language_model".
                "llama4 PATTERN_MATCHES_NOTHING WARNING template.kv_layers_name[0]",
                "llama4 PATTERN_MATCHES_NOTHING WARNING template.q_layer_name[0]",
                "mllama PATTERN_MATCHES_NOTHING WARNING template.kv_layers_name[0]",
            }));
}

// With the algorithms for which the template has a configuration. Quark fails where it does not find the decoder
// layers.
TEST_P(PlanArchitecturesTest, AlgorithmsOfTheTemplate) {
  std::set<std::string> fail, without_effect;  // model types
  const ordered_json architectures = ReadArchitectures();
  for (const auto& [model_type, modules] : architectures.items()) {
    v1::PlanLayersRequest request = RequestFor(model_type, modules);
    request.mutable_spec()->set_scheme("int8");
    for (const auto& entry : (*snapshot_.FindTemplate(model_type, ""))->algorithm_configs()) {
      request.mutable_spec()->clear_algorithm();
      request.mutable_spec()->add_algorithm(entry.algorithm());
      for (const v1::Finding& finding : FindingsOf(request, snapshot_)) {
        if (finding.code() != v1::FINDING_CODE_ALGORITHM_LAYERS_MISSING) continue;
        if (finding.severity() == v1::FINDING_SEVERITY_ERROR) fail.insert(model_type);
        if (finding.severity() == v1::FINDING_SEVERITY_WARNING) without_effect.insert(model_type);
      }
    }
  }
  // The templates are for the multimodal models, and these are the text models.
  fail.erase("qwen3_5_moe");  // whose template has algorithms since 0.13
  EXPECT_EQ(fail, std::set<std::string>({"llama4"}));
  // All four layers are of the Mamba kind in granitemoehybrid, and have only fused experts in deepseek_v2.
  EXPECT_EQ(without_effect, std::set<std::string>({"deepseek_v2", "granitemoehybrid"}));
}

INSTANTIATE_TEST_SUITE_P(Releases, PlanArchitecturesTest, testing::Values("0.12.post1", "0.13"));

}  // namespace
}  // namespace qconfig
