// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_PLAN_FINDINGS_H_
#define QCONFIG_CORE_FINDINGS_PLAN_FINDINGS_H_

#include "absl/status/status.h"
#include "core/cancellation.h"
#include "core/findings/finding_list.h"

namespace qconfig {

// Finds what is wrong with a plan for Quark itself, whatever runtime serves the model: the codes 1 to 3 and 6 to 15.
// Adds one finding for each cause. An error of `token`: the computation was cancelled.
absl::Status FindPlanFindings(const PlanContext& context, CancellationToken& token, FindingList& findings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_PLAN_FINDINGS_H_
