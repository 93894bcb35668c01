// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PROJECTION_H_
#define QCONFIG_CORE_PROJECTION_H_

#include "absl/strings/string_view.h"

namespace qconfig {

// Whether the override of `pattern` is the base for a projection (a template's pattern of K, V or Q layers) that no
// override matches: `pattern` ends like the projection's name, or mentions attention.
bool IsBaseForProjection(absl::string_view pattern, absl::string_view projection);

}  // namespace qconfig

#endif  // QCONFIG_CORE_PROJECTION_H_
