// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_KV_CACHE_FINDINGS_H_
#define QCONFIG_CORE_FINDINGS_KV_CACHE_FINDINGS_H_

#include "absl/status/status.h"
#include "core/cancellation.h"
#include "core/findings/finding_list.h"

namespace qconfig {

// KV_CACHE_PATTERN_STRIPPED, if it affects layers that are not excluded.
// An error of `token`: the computation was cancelled.
absl::Status FindKvCacheFindings(const PlanContext& context, CancellationToken& token, FindingList& findings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_KV_CACHE_FINDINGS_H_
