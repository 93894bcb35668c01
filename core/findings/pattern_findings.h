// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_PATTERN_FINDINGS_H_
#define QCONFIG_CORE_FINDINGS_PATTERN_FINDINGS_H_

#include "absl/status/status.h"
#include "core/cancellation.h"
#include "core/findings/finding_list.h"
#include "core/findings/name_shapes.h"

namespace qconfig {

// PATTERN_MATCHES_NOTHING for patterns of exclusions, overrides and projections. Exclusions of built-in templates are
// not reported, because a template also lists modules that only some models of its type have.
// An error of `token`: the computation was cancelled.
absl::Status FindPatternFindings(const PlanContext& context, NameShapes& shapes, CancellationToken& token,
                                 FindingList& findings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_PATTERN_FINDINGS_H_
