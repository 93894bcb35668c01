// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_CALL_AUDIT_H_
#define QCONFIG_SERVER_AUTH_CALL_AUDIT_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/tenant_id.h"
#include "server/base/call_context.h"
#include "server/base/clock.h"

namespace qconfig {

class AuditLog;

// Writes what calls do to the audit log: writes, before and after their commit, and calls that are rejected because of
// their credentials or permissions. Copyable. Thread-safe.
class CallAudit {
 public:
  // Without a log, writes nothing, and no call fails.
  CallAudit() = default;
  explicit CallAudit(std::shared_ptr<AuditLog> log, Clock clock = Clock())
      : log_(std::move(log)), clock_(std::move(clock)) {}

  // To be called before a write is committed. `request_id` is that of the request.
  // AUDIT_UNAVAILABLE: the log does not have the line after a second. DEADLINE_EXCEEDED: it does not have the line at
  // the call's deadline. The write must not be committed.
  absl::Status BeginWrite(const CallContext& call, const TenantId& tenant, const std::string& request_id) const;

  // To be called after BeginWrite() succeeded, with the tenant's revision after the write, or the error. After
  // STORAGE_UNAVAILABLE and errors without a reason, it is unknown whether the write was stored.
  void EndWrite(const CallContext& call, const TenantId& tenant, const std::string& request_id,
                const absl::StatusOr<int64_t>& revision) const;

  // To be called with the result of each call that may have been rejected. Writes a line if it, or
  // an item of a batch, was rejected because of credentials or permissions.
  void Finished(const CallContext& call, const absl::Status& status) const;

 private:
  std::shared_ptr<AuditLog> log_;  // null: none
  Clock clock_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_CALL_AUDIT_H_
