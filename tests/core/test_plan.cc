// SPDX-License-Identifier: Apache-2.0
#include "tests/core/test_plan.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/builtin_catalogs.h"
#include "core/findings/plan_findings.h"
#include "core/resolve_config.h"
#include "tests/source_files.h"

namespace qconfig {

const char kLlamaModules[] = R"(
  modules { name: "model.embed_tokens" type: "Embedding" shape: 32000 shape: 4096 }
  modules { name: "model.layers.{0..3}.self_attn.q_proj" type: "Linear" shape: 4096 shape: 4096 }
  modules { name: "model.layers.{0..3}.self_attn.k_proj" type: "Linear" shape: 1024 shape: 4096 }
  modules { name: "model.layers.{0..3}.self_attn.v_proj" type: "Linear" shape: 1024 shape: 4096 }
  modules { name: "model.layers.{0..3}.self_attn.o_proj" type: "Linear" shape: 4096 shape: 4096 }
  modules { name: "model.layers.{0..3}.mlp.gate_proj" type: "Linear" shape: 11008 shape: 4096 }
  modules { name: "model.layers.{0..3}.mlp.up_proj" type: "Linear" shape: 11008 shape: 4096 }
  modules { name: "model.layers.{0..3}.mlp.down_proj" type: "Linear" shape: 4096 shape: 11008 }
  modules { name: "model.layers.{0..3}.input_layernorm" type: "LlamaRMSNorm" shape: 4096 }
  modules { name: "lm_head" type: "Linear" shape: 32000 shape: 4096 })";

std::string LinearModule(absl::string_view name) {
  return absl::StrCat(" modules { name: \"", name, "\" type: \"Linear\" }");
}

Snapshot WithTemplate(const std::string& llm_template) {
  auto entry = std::make_shared<v1::LlmTemplate>(Proto<v1::LlmTemplate>(llm_template));
  entry->set_origin(v1::REGISTRY_ORIGIN_TENANT);
  return Snapshot(LoadBuiltinCatalogs().value().front(),
                  std::make_shared<const RegistryState>(2, "", RegistryState::Schemes(),
                                                        RegistryState::Templates{std::move(entry)}));
}

ModuleList::Messages ModulesOf(const std::string& model_type) {
  static const auto* const kArchitectures =
      new nlohmann::json(nlohmann::json::parse(std::ifstream(SourceFile("tests/golden/modules.json"))));
  ModuleList::Messages modules;
  for (const nlohmann::json& name_and_type : kArchitectures->at(model_type)) {
    v1::Module& module = *modules.Add();
    module.set_name(name_and_type.at(0).get<std::string>());
    module.set_type(name_and_type.at(1).get<std::string>());
  }
  return modules;
}

void AddLinear(const std::vector<std::string>& names, ModuleList::Messages& modules) {
  for (const std::string& name : names) {
    v1::Module& module = *modules.Add();
    module.set_name(name);
    module.set_type("Linear");
  }
}

TestPlan::TestPlan(const Snapshot& snapshot, v1::ConfigSpec spec, ModuleList::Messages messages,
                   int tensor_parallel_size)
    : spec_(std::move(spec)),
      messages_(std::move(messages)),
      config_(ResolveConfig(snapshot, spec_).value()),
      modules_(ModuleList::Expand(messages_, Limits(), token_).value()),
      kinds_(ModuleKinds::Make(modules_, token_).value()),
      plan_(
          ComputeLayerPlan(config_, spec_, **snapshot.FindTemplate(spec_.model_type(), ""), modules_, token_).value()),
      context_{snapshot,
               spec_,
               **snapshot.FindTemplate(spec_.model_type(), ""),
               config_,
               modules_,
               kinds_,
               plan_,
               tensor_parallel_size} {}

std::vector<v1::Finding> FindingsOf(const v1::PlanLayersRequest& request, const Snapshot& snapshot) {
  const TestPlan plan(snapshot, request.spec(), request.modules(), request.tensor_parallel_size());
  CancellationToken token;
  FindingList findings;
  const absl::Status status = FindPlanFindings(plan.context(), token, findings);
  EXPECT_TRUE(status.ok()) << status;
  return findings.Take();
}

std::vector<v1::Finding> FindingsOf(const std::string& request, const Snapshot& snapshot) {
  return FindingsOf(Proto<v1::PlanLayersRequest>(request), snapshot);
}

std::string Lines(const std::vector<v1::Finding>& findings) {
  std::string lines;
  for (const v1::Finding& finding : findings) {
    EXPECT_FALSE(finding.message().empty());
    EXPECT_GE(finding.modules_size(), std::min<int64_t>(finding.module_count(), 3)) << finding.message();
    EXPECT_LE(finding.modules_size(), std::min<int64_t>(finding.module_count(), 10)) << finding.message();
    EXPECT_EQ(finding.runtime(), "");
    absl::StrAppend(&lines, absl::StripPrefix(v1::FindingCode_Name(finding.code()), "FINDING_CODE_"), " ",
                    absl::StripPrefix(v1::FindingSeverity_Name(finding.severity()), "FINDING_SEVERITY_"), " ",
                    finding.field(), " ", finding.module_count(), " ", finding.fix(), "\n");
  }
  return lines;
}

std::vector<std::string> Summarize(const std::vector<v1::Finding>& findings) {
  std::vector<std::string> summaries;
  for (const v1::Finding& finding : findings) {
    summaries.push_back(
        absl::StrCat(absl::StripPrefix(v1::FindingSeverity_Name(finding.severity()), "FINDING_SEVERITY_"), " ",
                     absl::StripPrefix(v1::FindingCode_Name(finding.code()), "FINDING_CODE_")));
  }
  return summaries;
}

}  // namespace qconfig
