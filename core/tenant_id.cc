// SPDX-License-Identifier: Apache-2.0
#include "core/tenant_id.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "core/error.h"

namespace qconfig {

absl::StatusOr<TenantId> TenantId::Parse(absl::string_view name, absl::string_view field) {
  constexpr size_t kMaxLength = 63;
  const auto is_inner = [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) || absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
           c == '-';
  };
  const bool valid = !name.empty() && name.size() <= kMaxLength && name.front() != '-' && name.back() != '-' &&
                     std::all_of(name.begin(), name.end(), is_inner);
  if (!valid) {
    return Error(v1::ERROR_REASON_INVALID_REQUEST)
        .Field(field)
        .Value(name)
        .Allowed({"1 to 63 characters a-z, 0-9 and \"-\", which cannot be first or last"})
        .ToStatus("not a valid tenant name");
  }
  return TenantId(std::string(name));
}

}  // namespace qconfig
