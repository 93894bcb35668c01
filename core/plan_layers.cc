// SPDX-License-Identifier: Apache-2.0
#include "core/plan_layers.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/canonical_json.h"
#include "core/error.h"
#include "core/findings/finding_list.h"
#include "core/findings/plan_findings.h"
#include "core/plan/layer_plan.h"
#include "core/plan/module_list.h"
#include "core/plan/plan_totals.h"
#include "core/request_shape.h"
#include "core/resolve_config.h"
#include "core/runtimes/fused_findings.h"
#include "core/runtimes/runtime_findings.h"
#include "core/runtimes/runtime_rules.h"
#include "core/shape_checks.h"
#include "core/status_macros.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

constexpr int kMaxDimensions = 8;
constexpr int64_t kMaxDimension = int64_t{1} << 40;
constexpr double kMaxValues = 0x1p40;

// true: CheckModule() has nothing to report. Builds no texts, because a model may have 500,000 modules.
bool IsSurelyValid(const v1::Module& module, const Limits& limits) {
  double values = 1;
  for (const int64_t dimension : module.shape()) {
    if (dimension < 0 || dimension > kMaxDimension) return false;
    values *= static_cast<double>(dimension);
  }
  return !module.name().empty() && module.name().size() <= limits.pattern_chars && !module.type().empty() &&
         module.type().size() <= limits.name_chars && module.shape_size() <= kMaxDimensions && values <= kMaxValues &&
         module.dtype().size() <= limits.name_chars;
}

void CheckModule(const v1::Module& module, const std::string& path, ShapeChecks& checks) {
  checks.Required(!module.name().empty(), path + ".name");
  checks.Pattern(module.name(), path + ".name");
  checks.Required(!module.type().empty(), path + ".type");
  checks.Name(module.type(), path + ".type");
  checks.AtMost(kMaxDimensions, module.shape_size(), path + ".shape");
  double values = 1;
  for (int i = 0; i < module.shape_size() && checks.ok(); ++i) {
    values *= static_cast<double>(module.shape(i));
    checks.Require(module.shape(i) >= 0 && module.shape(i) <= kMaxDimension, absl::StrCat(path, ".shape[", i, "]"),
                   absl::StrCat(module.shape(i)), absl::StrCat("must be between 0 and ", kMaxDimension));
  }
  checks.Require(values <= kMaxValues, path + ".shape", absl::StrCat(values), "has more than 2^40 values");
  checks.Name(module.dtype(), path + ".dtype");
}

absl::StatusOr<std::vector<const Runtime*>> FindRuntimes(const v1::PlanLayersRequest& request) {
  std::vector<const Runtime*> runtimes;
  for (int i = 0; i < request.runtimes_size(); ++i) {
    QCONFIG_ASSIGN_OR_RETURN(const Runtime* const runtime,
                             FindRuntime(request.runtimes(i), absl::StrCat("runtimes[", i, "]")));
    // The same runtime twice would give each finding twice.
    if (std::find(runtimes.begin(), runtimes.end(), runtime) == runtimes.end()) runtimes.push_back(runtime);
  }
  return runtimes;
}

absl::StatusOr<FindingList> FindFindings(const PlanContext& context, const std::vector<const Runtime*>& runtimes,
                                         CancellationToken& token) {
  FindingList findings;
  QCONFIG_RETURN_IF_ERROR(FindPlanFindings(context, token, findings));
  if (runtimes.empty()) QCONFIG_RETURN_IF_ERROR(FindFusedFindings(context, nullptr, token, findings));
  for (const Runtime* const runtime : runtimes) {
    QCONFIG_RETURN_IF_ERROR(FindRuntimeFindings(context, *runtime, token, findings));
  }
  return findings;
}

// PLAN_HAS_FINDINGS if one of `findings`, which are sorted, is as severe as `fail_at`. `count` is the number of those.
absl::Status CheckSeverity(const std::vector<v1::Finding>& findings, v1::FindingSeverity fail_at, int64_t count) {
  if (fail_at == v1::FINDING_SEVERITY_UNSPECIFIED || count == 0) return absl::OkStatus();
  constexpr size_t kMaxChars = 300;
  const auto end = std::find_if(findings.begin(), findings.end(),
                                [fail_at](const v1::Finding& finding) { return finding.severity() < fail_at; });
  return Error(v1::ERROR_REASON_PLAN_HAS_FINDINGS)
      .Findings({findings.begin(), end}, count)
      .Advice("Fix them, or raise or leave out fail_at")
      .ToStatus(absl::StrCat("the plan has ", count, count == 1 ? " finding that makes" : " findings that make",
                             " the call fail: ", Printable(findings.front().message(), kMaxChars),
                             count == 1 ? "" : ", and more"));
}

// Patterns and modules within their own limits could together take hours.
absl::Status TooManySteps() {
  return Error(v1::ERROR_REASON_ANSWER_TOO_LARGE)
      .Field("spec")
      .Advice("Use fewer or shorter patterns, or split the modules into several requests")
      .ToStatus("matching so many patterns against so many modules would take too long");
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
    if (IsSurelyValid(request.modules(i), limits)) continue;
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
                                                  const Limits& limits, CancellationToken caller) {
  size_t steps = 0;
  const auto check_steps = [&]() -> absl::Status {
    steps += CancellationToken::kStepsPerCheck;
    if (steps > limits.plan_steps) return TooManySteps();
    return caller.Spend(CancellationToken::kStepsPerCheck);  // its own check is due every time
  };
  CancellationToken token(check_steps);
  const v1::ConfigSpec& spec = request.spec();
  QCONFIG_ASSIGN_OR_RETURN(const auto runtimes, FindRuntimes(request));
  QCONFIG_ASSIGN_OR_RETURN(const v1::QConfig config, ResolveConfig(snapshot, spec, limits, token));
  QCONFIG_ASSIGN_OR_RETURN(const v1::LlmTemplate* const llm_template,
                           snapshot.FindTemplate(spec.model_type(), "spec.model_type"));
  // Computed first, so that its JSON, which takes megabytes for many overrides, is freed before the modules are
  // expanded.
  const std::string digest = Sha256Hex(CanonicalJson(config));
  QCONFIG_ASSIGN_OR_RETURN(const ModuleList modules, ModuleList::Expand(request.modules(), limits, token));
  QCONFIG_ASSIGN_OR_RETURN(LayerPlan plan, ComputeLayerPlan(config, spec, *llm_template, modules, token));
  QCONFIG_ASSIGN_OR_RETURN(const ModuleKinds kinds, ModuleKinds::Make(modules, token));
  const PlanContext context{snapshot, spec,  *llm_template, config,
                            modules,  kinds, plan,          request.tensor_parallel_size()};
  QCONFIG_ASSIGN_OR_RETURN(FindingList findings, FindFindings(context, runtimes, token));
  const int64_t finding_total = findings.total();
  const int64_t failing = findings.Count(request.fail_at());
  std::vector<v1::Finding> kept = findings.Take();
  QCONFIG_RETURN_IF_ERROR(CheckSeverity(kept, request.fail_at(), failing));

  v1::PlanLayersResponse response;
  response.set_catalog(snapshot.catalog().name());
  response.set_catalog_digest(snapshot.catalog().digest());
  response.set_revision(snapshot.revision());
  response.set_config_digest(digest);
  *response.mutable_totals() = ComputeTotals(config, modules, plan);
  for (v1::Finding& finding : kept) *response.add_findings() = std::move(finding);
  response.set_finding_total(finding_total);
  for (v1::QLayerConfig& layer : plan.configs) *response.add_configs() = std::move(layer);
  response.mutable_config_of_module()->Assign(plan.config_of_module.begin(), plan.config_of_module.end());
  for (v1::LayerRule& rule : plan.rules) *response.add_rules() = std::move(rule);
  response.mutable_rule_of_module()->Assign(plan.rule_of_module.begin(), plan.rule_of_module.end());
  for (v1::PatternUse& use : plan.patterns) *response.add_patterns() = std::move(use);
  return response;
}

}  // namespace qconfig
