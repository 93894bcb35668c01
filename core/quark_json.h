// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_QUARK_JSON_H_
#define QCONFIG_CORE_QUARK_JSON_H_

#include <string>

#include "core/catalog.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// The result of Quark's `QConfig.to_dict()` as JSON on one line: the same keys in the same order, equal values, and
// null for None. `QConfig.from_dict` of the release of `catalog` reads it. REQUIRES: ResolveConfig() made `config` for
// `catalog`.
std::string QuarkJson(const v1::QConfig& config, const Catalog& catalog);

// The same for the configuration of one algorithm.
std::string QuarkJson(const v1::AlgoConfig& config, const Catalog& catalog);

}  // namespace qconfig

#endif  // QCONFIG_CORE_QUARK_JSON_H_
