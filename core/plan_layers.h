// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PLAN_LAYERS_H_
#define QCONFIG_CORE_PLAN_LAYERS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/cancellation.h"
#include "core/limits.h"
#include "core/snapshot.h"
#include "qconfig/v1/plan.pb.h"

namespace qconfig {

// The checks of `request` that need no catalogue. INVALID_REQUEST for the first failure in the order of the fields.
absl::Status CheckShape(const v1::PlanLayersRequest& request, const Limits& limits);

// The complete answer to `request`. It depends only on the arguments.
// Errors: those of GetConfig(); INVALID_REQUEST if a runtime is unknown, a range is malformed, or there are too many
// modules; ANSWER_TOO_LARGE if the plan takes more than `limits.plan_steps`; PLAN_HAS_FINDINGS.
// An error of `token`: the computation was cancelled. REQUIRES: CheckShape() accepted `request`.
absl::StatusOr<v1::PlanLayersResponse> PlanLayers(const Snapshot& snapshot, const v1::PlanLayersRequest& request,
                                                  const Limits& limits = {}, CancellationToken token = {});

}  // namespace qconfig

#endif  // QCONFIG_CORE_PLAN_LAYERS_H_
