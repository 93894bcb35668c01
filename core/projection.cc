// SPDX-License-Identifier: Apache-2.0
#include "core/projection.h"

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace qconfig {

bool IsBaseForProjection(absl::string_view pattern, absl::string_view projection) {
  absl::string_view last_part = projection.substr(projection.rfind('.') + 1);
  while (absl::ConsumePrefix(&last_part, "*")) {
  }
  while (absl::ConsumeSuffix(&last_part, "*")) {
  }
  const bool same_projection = !last_part.empty() && absl::EndsWith(pattern, last_part);
  return same_projection || absl::StrContains(pattern, "attn") || absl::StrContains(pattern, "attention");
}

}  // namespace qconfig
