// SPDX-License-Identifier: Apache-2.0
#include "server/app/self_checks.h"

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/tenant_id.h"

namespace qconfig {
namespace {

// The status with the reason, and without what only the log may show.
absl::Status ForProbes(const absl::Status& status) {
  if (status.ok()) return status;
  const v1::ItemError error = ItemErrorOf(status);
  const std::string reason = ReasonName(error.reason());
  return absl::UnavailableError(absl::StrCat(reason, reason.empty() ? "" : ": ", error.message()));
}

// Logs changes of a check, and passes them on.
std::function<void(const absl::Status&)> Logged(const EventLog& events, const char* check, bool is_error,
                                                std::function<void(bool)> report) {
  return [events, check, is_error, report = std::move(report)](const absl::Status& status) {
    report(status.ok());
    if (status.ok()) {
      events.Info("self-check succeeds again", {{"check", check}});
    } else if (is_error) {
      events.Error("self-check fails", {{"check", check}, {"error", status.message()}});
    } else {
      events.Warn("self-check fails", {{"check", check}, {"error", status.message()}});
    }
  };
}

}  // namespace

std::vector<Readiness::Check> MakeSelfChecks(Server& server, Registry& registry, DiskUsage& disk,
                                             const EventLog& events) {
  const auto reads = [&server, &registry, &disk] {
    disk.Refresh();
    if (absl::Status received = server.CheckReceiving(); !received.ok()) return received;
    return ForProbes(registry.Revisions(TenantId::Default()).status());
  };
  const auto writes = [&registry] { return ForProbes(registry.CheckWritable()); };
  const auto calls = [&server] { return ForProbes(server.CheckCalls()); };
  return {
      {kSelfChecks[0], reads, Logged(events, kSelfChecks[0], true, [&server](bool ok) { server.ReportReads(ok); })},
      {kSelfChecks[1], writes, Logged(events, kSelfChecks[1], true, [&server](bool ok) { server.ReportWrites(ok); })},
      // Clients can cause overload, and no client may cause errors in the log.
      {kSelfChecks[2], calls, Logged(events, kSelfChecks[2], false, [](bool) {})},
  };
}

}  // namespace qconfig
