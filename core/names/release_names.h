// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_NAMES_RELEASE_NAMES_H_
#define QCONFIG_CORE_NAMES_RELEASE_NAMES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "qconfig/v1/error.pb.h"

namespace qconfig {

// A catalogue that fits the name of a Quark release.
struct ReleaseSuggestion {
  absl::string_view name;
  v1::SuggestionKind kind;  // SPELLING: the same release; SIMILAR_NAME: a release of the same number; OTHER_RELEASE
  std::string words;        // for OTHER_RELEASE: which one
};

// The catalogue for the release that `name` names in another way ("0.13", "amd-quark==0.13", "quark-0.12"), or the one
// for the nearest release. Nullopt: `name` is not the name of a Quark release, or no catalogue is that of a release.
std::optional<ReleaseSuggestion> FindRelease(absl::string_view name, const std::vector<absl::string_view>& catalogs);

}  // namespace qconfig

#endif  // QCONFIG_CORE_NAMES_RELEASE_NAMES_H_
