// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_ALGORITHM_CONFIG_H_
#define QCONFIG_CORE_ALGORITHM_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "core/catalog.h"
#include "qconfig/v1/algorithm.pb.h"

namespace qconfig {

// Does what Quark's constructor of the algorithm's configuration does: fills in the defaults of `catalog`, and refuses
// what does not go together.
// INVALID_ALGORITHM_CONFIG, with `path` and the field. REQUIRES: `catalog` knows the algorithm.
absl::StatusOr<v1::AlgoConfig> CompleteAlgoConfig(const Catalog& catalog, const v1::AlgoConfig& given,
                                                  const std::string& path);

}  // namespace qconfig

#endif  // QCONFIG_CORE_ALGORITHM_CONFIG_H_
