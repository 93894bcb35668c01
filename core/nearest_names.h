// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_NEAREST_NAMES_H_
#define QCONFIG_CORE_NEAREST_NAMES_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig {

// The names that somebody who wrote `name` most likely meant, nearest first, `max_names` at the most; none when nothing
// is near. Letter case and the kind of separator do not count. Of equally near names the one that begins alike for
// longer comes first, then the order of `names`.
std::vector<absl::string_view> NearestNames(absl::string_view name, const std::vector<absl::string_view>& names,
                                            size_t max_names);

}  // namespace qconfig

#endif  // QCONFIG_CORE_NEAREST_NAMES_H_
