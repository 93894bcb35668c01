// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_OVERRIDE_FINDINGS_H_
#define QCONFIG_CORE_FINDINGS_OVERRIDE_FINDINGS_H_

#include "absl/status/status.h"
#include "core/cancellation.h"
#include "core/findings/finding_list.h"

namespace qconfig {

// OVERRIDE_NEVER_WINS for overrides by name and by type, and PATTERN_MATCHES_NOTHING for those by type.
// An error of `token`: the computation was cancelled.
absl::Status FindOverrideFindings(const PlanContext& context, CancellationToken& token, FindingList& findings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_OVERRIDE_FINDINGS_H_
