// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_ALGORITHM_CONFIG_H_
#define QCONFIG_CORE_ALGORITHM_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "core/catalog.h"
#include "qconfig/v1/algorithm.pb.h"

namespace qconfig {

// Fills in the defaults of `catalog` and applies the rules of Quark's constructor of the algorithm's configuration.
// INVALID_ALGORITHM_CONFIG, with `path` and the field: the release does not have the field, or a rule rejects it.
// REQUIRES: `catalog` has the algorithm.
absl::StatusOr<v1::AlgoConfig> CompleteAlgoConfig(const Catalog& catalog, const v1::AlgoConfig& given,
                                                  const std::string& path);

}  // namespace qconfig

#endif  // QCONFIG_CORE_ALGORITHM_CONFIG_H_
