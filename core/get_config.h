// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_GET_CONFIG_H_
#define QCONFIG_CORE_GET_CONFIG_H_

#include "absl/status/statusor.h"
#include "core/cancellation.h"
#include "core/limits.h"
#include "core/snapshot.h"
#include "qconfig/v1/config_service.pb.h"

namespace qconfig {

// The complete answer to `request`: configuration, JSON forms, digests and warnings. It depends only on the arguments.
// Errors: those of ResolveConfig(), and ANSWER_TOO_LARGE if the answer exceeds `limits.answer_bytes`.
// REQUIRES: CheckShape() accepted `request`.
absl::StatusOr<v1::GetConfigResponse> GetConfig(const Snapshot& snapshot, const v1::GetConfigRequest& request,
                                                const Limits& limits = {}, CancellationToken token = {});

}  // namespace qconfig

#endif  // QCONFIG_CORE_GET_CONFIG_H_
