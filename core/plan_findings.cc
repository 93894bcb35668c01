// SPDX-License-Identifier: Apache-2.0
#include "core/plan_findings.h"

#include "core/algorithm_findings.h"
#include "core/coverage_findings.h"
#include "core/kv_cache_findings.h"
#include "core/name_shapes.h"
#include "core/override_findings.h"
#include "core/pattern_findings.h"
#include "core/role_findings.h"
#include "core/size_findings.h"
#include "core/status_macros.h"

namespace qconfig {

absl::Status FindPlanFindings(const PlanContext& context, CancellationToken& token, FindingList& findings) {
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
