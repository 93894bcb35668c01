// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_SUGGESTION_H_
#define QCONFIG_CORE_SUGGESTION_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig {

// What a text about the unknown `name` may end with: "; did you mean int4, uint4?" when some of `names` are near it,
// else
// "; allowed: cpu, ipu", ten names at the most. Empty when there are no names.
std::string Suggestion(absl::string_view name, const std::vector<absl::string_view>& names);

}  // namespace qconfig

#endif  // QCONFIG_CORE_SUGGESTION_H_
