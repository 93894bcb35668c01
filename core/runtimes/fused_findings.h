// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_RUNTIMES_FUSED_FINDINGS_H_
#define QCONFIG_CORE_RUNTIMES_FUSED_FINDINGS_H_

#include "absl/status/status.h"
#include "core/cancellation.h"
#include "core/findings/finding_list.h"
#include "core/runtimes/runtime_rules.h"

namespace qconfig {

// Finds modules that run as one matrix, or experts of one layer, with different configurations or only partly excluded.
// Adds one finding for each group and combination of configurations, at most FindingList::kMaxFindings for each group.
// If `runtime` is null, uses the table for most runtimes, and the findings are warnings. Otherwise uses the runtime's
// own table, and the findings are errors if that lists the model type. Takes about 10 ns for each module if nothing is
// wrong. An error of `token`: the computation was cancelled.
absl::Status FindFusedFindings(const PlanContext& context, const Runtime* runtime, CancellationToken& token,
                               FindingList& findings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_RUNTIMES_FUSED_FINDINGS_H_
