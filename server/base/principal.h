// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_PRINCIPAL_H_
#define QCONFIG_SERVER_BASE_PRINCIPAL_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/tenant_id.h"
#include "qconfig/v1/annotations.pb.h"

namespace qconfig {

// A name, or with a `*` at the end all names that begin with the rest.
class NamePattern {
 public:
  explicit NamePattern(std::string text);

  bool Matches(absl::string_view name) const;
  // Whether there is a name that both patterns match.
  bool Overlaps(const NamePattern& other) const;
  bool is_prefix() const { return is_prefix_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool is_prefix_;
};

// A role for some tenants.
struct Grant {
  v1::Role role;
  std::vector<NamePattern> tenants;
  bool creates = false;  // whether the first write to a tenant that a prefix matches may create the tenant
};

// How often a principal may call. A rate of 0 is no limit.
struct RateLimits {
  double calls_per_second = 0;
  double burst = 0;              // calls that may be made at once, at least 1
  double writes_per_minute = 0;  // as many may be made at once
  bool is_permissive = false;    // whether calls above the limits are only counted

  bool any() const { return calls_per_second > 0 || writes_per_minute > 0; }
};

// Somebody who makes calls, as a policy describes them.
struct Principal {
  std::string name;
  bool is_anonymous = false;                      // whether it stands for all callers without credentials
  TenantId default_tenant = TenantId::Default();  // for requests that name no tenant
  std::vector<Grant> grants;
  RateLimits limits;

  // The highest role that a grant gives for the tenant; ROLE_UNSPECIFIED: none. Takes the same time for all tenants
  // that no grant matches.
  v1::Role RoleFor(absl::string_view tenant) const;
  // Whether a first write may create the tenant: as an operator, or by a grant that names the tenant or `creates`.
  bool MayCreate(absl::string_view tenant) const;
};

// The role that a method requires for the tenant of a request: at least reader, also if the method declares none.
v1::Role RoleForTenant(v1::Role required);

// "reader" for ROLE_READER.
std::string RoleName(v1::Role role);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_PRINCIPAL_H_
