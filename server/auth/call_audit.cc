// SPDX-License-Identifier: Apache-2.0
#include "server/auth/call_audit.h"

#include <algorithm>

#include "core/error.h"
#include "server/auth/audit_log.h"

namespace qconfig {
namespace {

AuditEvent EventOf(const CallContext& call, const std::string& event, const std::string& decision) {
  AuditEvent line;
  line.event = event;
  if (call.principal != nullptr) line.principal = call.principal->name;
  line.credential = call.credential;
  line.peer = call.peer;
  line.method = call.method;
  line.decision = decision;
  line.call_id = call.request_id;
  line.trace_id = call.trace_id;
  return line;
}

AuditEvent WriteEventOf(const CallContext& call, const std::string& event, const std::string& decision,
                        const TenantId& tenant, const std::string& request_id) {
  AuditEvent line = EventOf(call, event, decision);
  line.tenant = tenant.name();
  line.request_id = request_id;
  return line;
}

// The reason of an error; for one that has no reason, such as DEADLINE_EXCEEDED, its status code.
std::string ReasonOf(const absl::Status& status, v1::ErrorReason reason) {
  return reason == v1::ERROR_REASON_UNSPECIFIED ? absl::StatusCodeToString(status.code())
                                                : std::string(ReasonName(reason));
}

// Whether a write that ended with this error may have been stored. Not if there was no space for it.
bool IsUnknown(const absl::Status& status, v1::ErrorReason reason) {
  return reason == v1::ERROR_REASON_STORAGE_UNAVAILABLE ||
         (reason == v1::ERROR_REASON_UNSPECIFIED && !absl::IsResourceExhausted(status));
}

bool IsDenial(v1::ErrorReason reason) {
  return reason == v1::ERROR_REASON_CREDENTIALS_MISSING || reason == v1::ERROR_REASON_CREDENTIALS_INVALID ||
         reason == v1::ERROR_REASON_PERMISSION_DENIED;
}

}  // namespace

absl::Status CallAudit::BeginWrite(const CallContext& call, const TenantId& tenant,
                                   const std::string& request_id) const {
  constexpr absl::Duration kTimeout = absl::Seconds(1);
  if (log_ == nullptr) return absl::OkStatus();
  const absl::Duration left = std::max(call.deadline - clock_.Steady(), absl::ZeroDuration());
  return log_->Append(WriteEventOf(call, "write_begin", "allowed", tenant, request_id), kTimeout, left);
}

void CallAudit::EndWrite(const CallContext& call, const TenantId& tenant, const std::string& request_id,
                         const absl::StatusOr<int64_t>& revision) const {
  if (log_ == nullptr) return;
  AuditEvent line = WriteEventOf(call, "write_end", "done", tenant, request_id);
  if (revision.ok()) {
    line.revision = *revision;
  } else {
    const v1::ErrorReason reason = ItemErrorOf(revision.status()).reason();
    line.decision = IsUnknown(revision.status(), reason) ? "unknown" : "failed";
    line.reason = ReasonOf(revision.status(), reason);
  }
  log_->Post(line);
}

void CallAudit::Finished(const CallContext& call, const absl::Status& status) const {
  const int64_t denials = call.notes->denials;
  if (log_ == nullptr || (status.ok() && denials == 0)) return;
  const v1::ItemError error = status.ok() ? v1::ItemError() : ItemErrorOf(status);
  if (!IsDenial(error.reason()) && denials == 0) return;
  AuditEvent line = EventOf(call, "rejected", "denied");
  // A batch can have denied items and succeed, or fail for another reason.
  line.tenant = denials > 0 ? call.notes->denied_tenant : error.detail().tenant();
  line.reason = ReasonName(denials > 0 ? v1::ERROR_REASON_PERMISSION_DENIED : error.reason());
  line.rule = error.detail().rule();
  if (denials > 1) line.count = denials;
  log_->PostRejection(line, HostOf(call.peer));
}

}  // namespace qconfig
