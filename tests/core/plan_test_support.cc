// SPDX-License-Identifier: Apache-2.0
#include "tests/core/plan_test_support.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/builtin_catalogs.h"
#include "core/layer_plan.h"
#include "core/module_list.h"
#include "core/plan_findings.h"
#include "core/resolve_config.h"

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

std::vector<v1::Finding> FindingsOf(const v1::PlanLayersRequest& request, const Snapshot& snapshot) {
  CancellationToken token;
  const auto config = ResolveConfig(snapshot, request.spec());
  EXPECT_TRUE(config.ok()) << config.status();
  const auto modules = ModuleList::Expand(request.modules(), Limits(), token);
  EXPECT_TRUE(modules.ok()) << modules.status();
  if (!config.ok() || !modules.ok()) return {};
  const v1::LlmTemplate& llm_template = **snapshot.FindTemplate(request.spec().model_type(), "");
  const auto plan = ComputeLayerPlan(*config, request.spec(), llm_template, *modules, token);
  EXPECT_TRUE(plan.ok()) << plan.status();
  if (!plan.ok()) return {};
  FindingList findings;
  const absl::Status status = FindPlanFindings(
      {snapshot, request.spec(), llm_template, *config, *modules, *plan, request.tensor_parallel_size()}, token,
      findings);
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

}  // namespace qconfig
