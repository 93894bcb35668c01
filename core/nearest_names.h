// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_NEAREST_NAMES_H_
#define QCONFIG_CORE_NEAREST_NAMES_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig {

// Up to `max_names` of `names` that are similar to `name`, best first; none if nothing is similar. Ignores letter case
// and the kind of separator. Equally similar names are ordered by the length of the common prefix, then as in `names`.
std::vector<absl::string_view> NearestNames(absl::string_view name, const std::vector<absl::string_view>& names,
                                            size_t max_names);

}  // namespace qconfig

#endif  // QCONFIG_CORE_NEAREST_NAMES_H_
