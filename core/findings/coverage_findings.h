// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_COVERAGE_FINDINGS_H_
#define QCONFIG_CORE_FINDINGS_COVERAGE_FINDINGS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/cancellation.h"
#include "core/findings/finding_list.h"
#include "core/findings/name_shapes.h"

namespace qconfig {

// Whether no weight is quantized because most modules have a type that Quark cannot quantize, such as Conv1D. Then adds
// NOTHING_QUANTIZED; other findings would name the wrong causes. An error of `token`: the computation was
// cancelled.
absl::StatusOr<bool> FindUnsupportedModel(const PlanContext& context, CancellationToken& token, FindingList& findings);

// NOTHING_QUANTIZED and TEMPLATE_DOES_NOT_FIT. The latter is a WARNING if a better template exists or the plan uses the
// template's projections, and otherwise an INFO.
// An error of `token`: the computation was cancelled.
absl::Status FindCoverageFindings(const PlanContext& context, NameShapes& shapes, CancellationToken& token,
                                  FindingList& findings);

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_COVERAGE_FINDINGS_H_
