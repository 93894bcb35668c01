// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_CATALOG_FIT_H_
#define QCONFIG_CORE_CATALOG_FIT_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/catalog.h"
#include "qconfig/v1/algorithm.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// Checks that an entry can be used with the Quark release of `catalog`, which may differ from the release for which it
// was written. NOT_IN_CATALOG: the release rejects a tensor of the scheme, or lacks an algorithm of the template or a
// field that its configuration sets. `field` is where the request names the entry. Built-in entries always pass.
absl::Status CheckFits(const Catalog& catalog, const v1::Scheme& scheme, absl::string_view field);
absl::Status CheckFits(const Catalog& catalog, const v1::LlmTemplate& entry, absl::string_view field);

// Converts a complete configuration to the release of `catalog`: removes the fields that the release does not have, and
// sets those that the configuration lacks to their defaults.
// REQUIRES: CheckFits() accepted the template that contains the configuration, or CompleteAlgoConfig() returned it.
void FitAlgoConfig(const Catalog& catalog, v1::AlgoConfig& config);

// A field that is set although the release of a catalogue does not have it.
struct UnlistedField {
  std::string path;  // "online_config.use_input_prescale"
  bool is_zero;      // false, 0 or empty, which Quark treats like a field that does not exist
};

// All unlisted fields of an algorithm's configuration, in the order of their numbers, without input-only fields.
std::vector<UnlistedField> UnlistedFields(const Catalog& catalog, const google::protobuf::Message& config);

}  // namespace qconfig

#endif  // QCONFIG_CORE_CATALOG_FIT_H_
