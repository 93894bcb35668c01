// SPDX-License-Identifier: Apache-2.0
#include "core/plan_layers.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/canonical_json.h"
#include "core/error.h"
#include "core/finding_list.h"
#include "core/layer_plan.h"
#include "core/module_list.h"
#include "core/plan_totals.h"
#include "core/request_shape.h"
#include "core/resolve_config.h"
#include "core/shape_checks.h"
#include "core/status_macros.h"

namespace qconfig {
namespace {

void CheckModule(const v1::Module& module, const std::string& path, ShapeChecks& checks) {
  constexpr size_t kMaxDimensions = 8;
  constexpr int64_t kMaxDimension = int64_t{1} << 40;
  checks.Required(!module.name().empty(), path + ".name");
  checks.Pattern(module.name(), path + ".name");
  checks.Required(!module.type().empty(), path + ".type");
  checks.Name(module.type(), path + ".type");
  checks.AtMost(kMaxDimensions, module.shape_size(), path + ".shape");
  for (int i = 0; i < module.shape_size() && checks.ok(); ++i) {
    checks.Require(module.shape(i) >= 0 && module.shape(i) <= kMaxDimension, absl::StrCat(path, ".shape[", i, "]"),
                   absl::StrCat(module.shape(i)), absl::StrCat("must be between 0 and ", kMaxDimension));
  }
  checks.Name(module.dtype(), path + ".dtype");
}

}  // namespace

absl::Status CheckShape(const v1::PlanLayersRequest& request, const Limits& limits) {
  ShapeChecks checks(limits);
  checks.Name(request.catalog(), "catalog");
  if (!checks.ok()) return checks.status();
  QCONFIG_RETURN_IF_ERROR(CheckRevisions(request.revision(), request.min_revision()));
  checks.Required(request.has_spec(), "spec");
  if (!checks.ok()) return checks.status();
  QCONFIG_RETURN_IF_ERROR(CheckSpec(request.spec(), limits));
  checks.Required(!request.modules().empty(), "modules");
  for (int i = 0; i < request.modules_size() && checks.ok(); ++i) {
    CheckModule(request.modules(i), absl::StrCat("modules[", i, "]"), checks);
  }
  checks.AtMost(limits.plan_runtimes, request.runtimes_size(), "runtimes");
  for (int i = 0; i < request.runtimes_size() && checks.ok(); ++i) {
    checks.Name(request.runtimes(i), absl::StrCat("runtimes[", i, "]"));
  }
  checks.Require(v1::FindingSeverity_IsValid(request.fail_at()), "fail_at", absl::StrCat(request.fail_at()),
                 "is not a severity");
  checks.Require(request.tensor_parallel_size() >= 0, "tensor_parallel_size",
                 absl::StrCat(request.tensor_parallel_size()), "must not be negative");
  return checks.status();
}

absl::StatusOr<v1::PlanLayersResponse> PlanLayers(const Snapshot& snapshot, const v1::PlanLayersRequest& request,
                                                  const Limits& limits, CancellationToken token) {
  const v1::ConfigSpec& spec = request.spec();
  QCONFIG_ASSIGN_OR_RETURN(const v1::QConfig config, ResolveConfig(snapshot, spec, limits, token));
  QCONFIG_ASSIGN_OR_RETURN(const v1::LlmTemplate* const llm_template,
                           snapshot.FindTemplate(spec.model_type(), "spec.model_type"));
  QCONFIG_ASSIGN_OR_RETURN(const ModuleList modules, ModuleList::Expand(request.modules(), limits, token));
  QCONFIG_ASSIGN_OR_RETURN(LayerPlan plan, ComputeLayerPlan(config, spec, *llm_template, modules, token));

  v1::PlanLayersResponse response;
  response.set_catalog(snapshot.catalog().name());
  response.set_catalog_digest(snapshot.catalog().digest());
  response.set_revision(snapshot.revision());
  response.set_config_digest(Sha256Hex(CanonicalJson(config)));
  *response.mutable_totals() = ComputeTotals(config, modules, plan);
  for (v1::QLayerConfig& layer : plan.configs) *response.add_configs() = std::move(layer);
  response.mutable_config_of_module()->Assign(plan.config_of_module.begin(), plan.config_of_module.end());
  for (v1::LayerRule& rule : plan.rules) *response.add_rules() = std::move(rule);
  response.mutable_rule_of_module()->Assign(plan.rule_of_module.begin(), plan.rule_of_module.end());
  for (v1::PatternUse& use : plan.patterns) *response.add_patterns() = std::move(use);
  return response;
}

}  // namespace qconfig
