// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_QUARK_JSON_H_
#define QCONFIG_CORE_QUARK_JSON_H_

#include <string>

#include "core/catalog.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// What Quark's `QConfig.to_dict()` gives, as JSON on one line: the same keys in the same order, equal values, null for
// what is None. `QConfig.from_dict` of Quark takes it. `traits` are those of the release that is to read it.
// REQUIRES: ResolveConfig() made `config`.
std::string QuarkJson(const v1::QConfig& config, const CatalogTraits& traits);

// What Quark writes of one algorithm's configuration.
std::string QuarkJson(const v1::AlgoConfig& config);

}  // namespace qconfig

#endif  // QCONFIG_CORE_QUARK_JSON_H_
