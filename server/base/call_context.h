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

// What a call's handler reports to its observer. Not thread-safe.
struct CallNotes {
  std::vector<std::string> tenants;                 // of the request; may have duplicates
  std::optional<int64_t> items;                     // of a batch
  std::map<v1::ErrorReason, int64_t> failed_items;  // the number of failed items, by reason
  bool has_written = false;  // whether it changed a registry, so that its answer must not be lost
};

// The context of a call: everything except its request. Only the transport uses gRPC's own context.
struct CallContext {
  std::string method;      // "qconfig.v1.ConfigService/GetConfig"
  std::string peer;        // "ipv4:127.0.0.1:40312"
  std::string request_id;  // the client's `x-request-id` if it is a plain word, otherwise a new one
  std::string trace_id;    // of the client's W3C `traceparent`; empty: none
  // The tenant for requests that name none. The same for all clients, because cached answers depend on the request
  // only.
  TenantId tenant = TenantId::Default();
  absl::Duration deadline;             // steady time; absl::InfiniteDuration(): none
  std::function<bool()> is_cancelled;  // whether the client cancelled the call
  std::shared_ptr<CallNotes> notes = std::make_shared<CallNotes>();
};

// The tenant of a request whose tenant is `name`; empty: the call's. Adds it to the notes. INVALID_REQUEST: `name` is
// not a valid tenant name.
absl::StatusOr<TenantId> GetTenant(const CallContext& call, absl::string_view name);

// Makes the context of a call to `method` at the steady time `now`. `context` must outlive the result.
CallContext MakeCallContext(const grpc::ServerContext& context, absl::string_view method, absl::Duration now);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_CALL_CONTEXT_H_
