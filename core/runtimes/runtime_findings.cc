// SPDX-License-Identifier: Apache-2.0
#include "core/runtimes/runtime_findings.h"

#include "core/runtimes/fused_findings.h"
#include "core/status_macros.h"

namespace qconfig {

absl::Status FindRuntimeFindings(const PlanContext& context, const Runtime& runtime, CancellationToken& token,
                                 FindingList& findings) {
  QCONFIG_RETURN_IF_ERROR(FindRuntimeSchemeFindings(context, runtime, token, findings));
  QCONFIG_RETURN_IF_ERROR(FindRuntimeKvFindings(context, runtime, token, findings));
  QCONFIG_RETURN_IF_ERROR(FindFusedFindings(context, &runtime, token, findings));
  return FindRuntimeOverrideFindings(context, runtime, token, findings);
}

}  // namespace qconfig
