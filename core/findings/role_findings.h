// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_ROLE_FINDINGS_H_
#define QCONFIG_CORE_FINDINGS_ROLE_FINDINGS_H_

#include "absl/status/status.h"
#include "core/cancellation.h"
#include "core/findings/finding_list.h"

namespace qconfig {

// ROUTER_QUANTIZED, LM_HEAD_QUANTIZED, EMBEDDING_QUANTIZED and TOWER_QUANTIZED: warnings, unless an override names the
// modules, so that the caller means it. One finding for all modules with the same usual name and the same rule.
// An error of `token`: the computation was cancelled.
absl::Status FindRoleFindings(const PlanContext& context, CancellationToken& token, FindingList& findings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_ROLE_FINDINGS_H_
