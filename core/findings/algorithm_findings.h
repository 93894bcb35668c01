// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_ALGORITHM_FINDINGS_H_
#define QCONFIG_CORE_FINDINGS_ALGORITHM_FINDINGS_H_

#include "absl/status/status.h"
#include "core/cancellation.h"
#include "core/findings/finding_list.h"
#include "core/findings/name_shapes.h"

namespace qconfig {

// ALGORITHM_REJECTS_SCHEME and ALGORITHM_UNUSUAL_FOR_SCHEME, if an algorithm works on modules with such a
// configuration. ALGORITHM_LAYERS_MISSING: an ERROR if Quark fails without the layers, a WARNING if the algorithm has
// no effect, and an INFO if it has no effect on some layers. An error of `token`: the computation was cancelled.
absl::Status FindAlgorithmFindings(const PlanContext& context, NameShapes& shapes, CancellationToken& token,
                                   FindingList& findings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_ALGORITHM_FINDINGS_H_
