// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_SIZE_FINDINGS_H_
#define QCONFIG_CORE_FINDINGS_SIZE_FINDINGS_H_

#include "absl/status/status.h"
#include "core/cancellation.h"
#include "core/findings/finding_list.h"

namespace qconfig {

// GROUP_SIZE_MISMATCH: an ERROR if Quark or the runtime fails, a WARNING if one of them pads the last group. One
// finding for all modules with the same configuration and the same size.
// An error of `token`: the computation was cancelled.
absl::Status FindSizeFindings(const PlanContext& context, CancellationToken& token, FindingList& findings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_SIZE_FINDINGS_H_
