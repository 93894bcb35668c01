// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_RUNTIMES_RUNTIME_FINDINGS_H_
#define QCONFIG_CORE_RUNTIMES_RUNTIME_FINDINGS_H_

#include "absl/status/status.h"
#include "core/cancellation.h"
#include "core/findings/finding_list.h"
#include "core/runtimes/runtime_rules.h"

namespace qconfig {

// Adds what `runtime` rejects (errors) or reads differently than Quark (warnings), and what it needs (infos), once for
// each cause. Includes FindFusedFindings() for the runtime. A rejection that is inferred, not tried, is a warning.
// An error of `token`: the computation was cancelled.
absl::Status FindRuntimeFindings(const PlanContext& context, const Runtime& runtime, CancellationToken& token,
                                 FindingList& findings);

// The parts of FindRuntimeFindings().

// Which layer configurations the runtime rejects, and what the others need.
absl::Status FindRuntimeSchemeFindings(const PlanContext& context, const Runtime& runtime, CancellationToken& token,
                                       FindingList& findings);
// What the runtime rejects of a quantized KV cache and quantized attention, and the option that it needs.
absl::Status FindRuntimeKvFindings(const PlanContext& context, const Runtime& runtime, CancellationToken& token,
                                   FindingList& findings);
// For which modules the runtime reads another configuration than Quark used.
absl::Status FindRuntimeOverrideFindings(const PlanContext& context, const Runtime& runtime, CancellationToken& token,
                                         FindingList& findings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_RUNTIMES_RUNTIME_FINDINGS_H_
