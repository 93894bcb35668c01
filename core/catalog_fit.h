// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_CATALOG_FIT_H_
#define QCONFIG_CORE_CATALOG_FIT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/catalog.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// A tenant's entries belong to no catalogue, so one may be asked for in a Quark release that it was not written for.
// NOT_IN_CATALOG when that release refuses what the scheme does to some tensor, or does not know an algorithm that the
// template has a configuration for. Entries of a catalogue fit their own. `field` is where the request names the entry.
absl::Status CheckFits(const Catalog& catalog, const v1::Scheme& scheme, absl::string_view field);
absl::Status CheckFits(const Catalog& catalog, const v1::LlmTemplate& entry, absl::string_view field);

// Gives a complete configuration the fields that it has in the release of `catalog`: those that releases add later take
// their defaults. REQUIRES: CheckFits() accepted the template that it is from, or CompleteAlgoConfig() made it.
void FitAlgoConfig(const Catalog& catalog, v1::AlgoConfig& config);

}  // namespace qconfig

#endif  // QCONFIG_CORE_CATALOG_FIT_H_
