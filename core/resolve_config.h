// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_RESOLVE_CONFIG_H_
#define QCONFIG_CORE_RESOLVE_CONFIG_H_

#include "absl/status/statusor.h"
#include "core/cancellation.h"
#include "core/limits.h"
#include "core/snapshot.h"
#include "qconfig/v1/config_service.pb.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// Builds the configuration that Quark's `LLMTemplate.get_config` builds from the same arguments. The errors and the
// order of the checks are those of ConfigService.GetConfig from INVALID_ALGORITHM_CONFIG on.
// ANSWER_TOO_LARGE: the configurations of the algorithms or of the layers exceed `limits`, or matching the patterns
// would take too long. An error of `token`: the computation was cancelled. The time is proportional to the bytes of
// `spec` times those of the template's K, V and Q patterns. REQUIRES: CheckSpec() accepted `spec`.
absl::StatusOr<v1::QConfig> ResolveConfig(const Snapshot& snapshot, const v1::ConfigSpec& spec,
                                          const Limits& limits = {}, CancellationToken token = {});

}  // namespace qconfig

#endif  // QCONFIG_CORE_RESOLVE_CONFIG_H_
