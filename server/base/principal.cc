// SPDX-License-Identifier: Apache-2.0
#include "server/base/principal.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace qconfig {

NamePattern::NamePattern(std::string text) : text_(std::move(text)), is_prefix_(absl::EndsWith(text_, "*")) {}

bool NamePattern::Matches(absl::string_view name) const {
  const absl::string_view text = text_;
  return is_prefix_ ? absl::StartsWith(name, text.substr(0, text.size() - 1)) : name == text;
}

bool NamePattern::Overlaps(const NamePattern& other) const {
  // If both are prefixes, the shorter one must match what the longer one begins with.
  const absl::string_view ours = absl::StripSuffix(text_, "*");
  const absl::string_view theirs = absl::StripSuffix(other.text_, "*");
  if (is_prefix_ && other.is_prefix_) return absl::StartsWith(ours, theirs) || absl::StartsWith(theirs, ours);
  return is_prefix_ ? Matches(other.text_) : other.Matches(text_);
}

v1::Role Principal::RoleFor(absl::string_view tenant) const {
  v1::Role role = v1::ROLE_UNSPECIFIED;
  for (const Grant& grant : grants) {
    for (const NamePattern& pattern : grant.tenants) {
      if (pattern.Matches(tenant)) role = std::max(role, grant.role);
    }
  }
  return role;
}

bool Principal::MayCreate(absl::string_view tenant) const {
  for (const Grant& grant : grants) {
    if (grant.role < v1::ROLE_EDITOR) continue;
    const bool creates_any = grant.creates || grant.role == v1::ROLE_OPERATOR;
    for (const NamePattern& pattern : grant.tenants) {
      if ((creates_any || !pattern.is_prefix()) && pattern.Matches(tenant)) return true;
    }
  }
  return false;
}

v1::Role RoleForTenant(v1::Role required) { return std::max(required, v1::ROLE_READER); }

std::string RoleName(v1::Role role) { return absl::AsciiStrToLower(absl::StripPrefix(v1::Role_Name(role), "ROLE_")); }

}  // namespace qconfig
