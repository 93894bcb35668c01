// SPDX-License-Identifier: Apache-2.0
#include "core/findings/plan_findings.h"

#include "core/findings/algorithm_findings.h"
#include "core/findings/coverage_findings.h"
#include "core/findings/kv_cache_findings.h"
#include "core/findings/name_shapes.h"
#include "core/findings/override_findings.h"
#include "core/findings/pattern_findings.h"
#include "core/findings/role_findings.h"
#include "core/findings/size_findings.h"
#include "core/status_macros.h"

namespace qconfig {

absl::Status FindPlanFindings(const PlanContext& context, CancellationToken& token, FindingList& findings) {
  QCONFIG_ASSIGN_OR_RETURN(const bool is_unsupported, FindUnsupportedModel(context, token, findings));
  if (is_unsupported) return absl::OkStatus();
  NameShapes shapes(context.modules);
  QCONFIG_RETURN_IF_ERROR(FindPatternFindings(context, shapes, token, findings));
  QCONFIG_RETURN_IF_ERROR(FindOverrideFindings(context, token, findings));
  QCONFIG_RETURN_IF_ERROR(FindKvCacheFindings(context, token, findings));
  QCONFIG_RETURN_IF_ERROR(FindSizeFindings(context, token, findings));
  QCONFIG_RETURN_IF_ERROR(FindRoleFindings(context, token, findings));
  QCONFIG_RETURN_IF_ERROR(FindCoverageFindings(context, shapes, token, findings));
  return FindAlgorithmFindings(context, shapes, token, findings);
}

}  // namespace qconfig
