// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SELF_CHECKS_H_
#define QCONFIG_SERVER_APP_SELF_CHECKS_H_

#include <array>
#include <vector>

#include "server/admin/readiness.h"
#include "server/app/server.h"
#include "server/base/event_log.h"
#include "server/observe/disk_usage.h"
#include "server/registry/registry.h"

namespace qconfig {

// The names of the checks below.
inline constexpr std::array<const char*, 3> kSelfChecks = {"reads", "writes", "calls"};

// The checks by which /readyz and the health service say whether honest calls succeed. server/DECISIONS.md has the
// reasons.
//   reads:  the thread that receives calls runs, and the store can be read
//   writes: the store accepts writes
//   calls:  a GetConfig that is not cached and a write that is only validated are admitted and answered
// `reads` and `writes` set the health of the server; overload, which `calls` notices, does not. Refreshes `disk`.
// Everything must outlive the checks.
std::vector<Readiness::Check> MakeSelfChecks(Server& server, Registry& registry, DiskUsage& disk,
                                             const EventLog& events);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SELF_CHECKS_H_
