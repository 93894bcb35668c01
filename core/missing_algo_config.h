// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_MISSING_ALGO_CONFIG_H_
#define QCONFIG_CORE_MISSING_ALGO_CONFIG_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/snapshot.h"

namespace qconfig {

// ALGORITHM_CONFIG_MISSING at `field`, the place of `algorithm` in the request: `entry` has no configuration for it,
// and the request supplies none. The error lists the algorithms that have one, says how to supply one, and names a
// template of `snapshot` whose configuration is an example.
absl::Status AlgorithmConfigMissing(const Snapshot& snapshot, const v1::LlmTemplate& entry, absl::string_view algorithm,
                                    absl::string_view field);

}  // namespace qconfig

#endif  // QCONFIG_CORE_MISSING_ALGO_CONFIG_H_
