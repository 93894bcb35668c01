// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_POLICY_TEXT_H_
#define QCONFIG_SERVER_AUTH_POLICY_TEXT_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/tenant_id.h"
#include "server/auth/policy.h"

namespace qconfig {

// What a policy says, in lines for people: each principal, with its credentials, its default tenant, and its role for
// each pattern of tenants.
std::string DescribePolicy(const Policy& policy);

// Who can read, write, administer and create the tenant, one line for each. Marks principals that have no credential
// which is valid at `now`.
std::string DescribeAccess(const Policy& policy, const TenantId& tenant, absl::Time now);

// What is probably a mistake in a valid policy, or soon will be: principals without credentials or without grants,
// tokens that have expired at `now` or expire within 30 days, and callers without credentials who may write.
std::vector<std::string> PolicyWarnings(const Policy& policy, absl::Time now);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_POLICY_TEXT_H_
