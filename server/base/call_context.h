// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_CALL_CONTEXT_H_
#define QCONFIG_SERVER_BASE_CALL_CONTEXT_H_

#include <grpcpp/server_context.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/tenant_id.h"
#include "qconfig/v1/error.pb.h"

namespace qconfig {

// What a call's handler learns that its observer is to know. Not thread-safe.
struct CallNotes {
  std::vector<std::string> tenants;                 // that the request is about; the same one may stand here again
  std::optional<int64_t> items;                     // of a batch that is answered
  std::map<v1::ErrorReason, int64_t> failed_items;  // how many of these failed, by reason
};

// What is known of a call beside its request. Nothing below the transport sees gRPC's own context.
struct CallContext {
  std::string method;      // "qconfig.v1.ConfigService/GetConfig"
  std::string peer;        // "ipv4:127.0.0.1:40312"
  std::string request_id;  // the caller's `x-request-id` when it is a plain word, else a new one
  std::string trace_id;    // of the caller's W3C `traceparent`; empty when there is none
  // Whom a request without a tenant is about. The same for all callers: kept answers are found by the request alone.
  TenantId tenant = TenantId::Default();
  absl::Time deadline;                 // absl::InfiniteFuture() when the caller gave none
  std::function<bool()> is_cancelled;  // whether the caller went away
  std::shared_ptr<CallNotes> notes = std::make_shared<CallNotes>();
};

// Whom a request is about that names the tenant `name`, which is noted. INVALID_REQUEST when that is no tenant's name.
absl::StatusOr<TenantId> TenantOf(const CallContext& call, absl::string_view name);

// The one place where contexts are made. `context` must outlive the result.
CallContext MakeCallContext(const grpc::ServerContext& context, absl::string_view method);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_CALL_CONTEXT_H_
