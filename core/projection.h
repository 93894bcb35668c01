// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PROJECTION_H_
#define QCONFIG_CORE_PROJECTION_H_

#include "absl/strings/string_view.h"

namespace qconfig {

// Whether a projection (a template's pattern of K, V or Q layers) that no override matches takes after the override of
// `pattern`: because that looks as if it were for the same projection, or for attention.
bool IsBaseForProjection(absl::string_view pattern, absl::string_view projection);

}  // namespace qconfig

#endif  // QCONFIG_CORE_PROJECTION_H_
