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
#include "server/base/fair_turns.h"
#include "server/base/principal.h"

namespace qconfig {

// What a call's handler reports to its observer. Not thread-safe.
struct CallNotes {
  std::vector<std::string> tenants;                 // of the request; may have duplicates
  std::optional<int64_t> items;                     // of a batch
  std::map<v1::ErrorReason, int64_t> failed_items;  // the number of failed items, by reason
  bool has_written = false;   // whether it changed a registry, so that its answer must not be lost
  int64_t denials = 0;        // how often GetTenant() returned PERMISSION_DENIED: at most once for each item of a batch
  std::string denied_tenant;  // the tenant of the first time
  FairTurns::Turn turn;       // of the thread that handles the call; ends when its answer is in bytes
  EarlierTurns earlier_turns;  // of this call
};

// The context of a call: everything except its request. Only the transport uses gRPC's own context.
struct CallContext {
  std::string method;      // "qconfig.v1.ConfigService/GetConfig"
  std::string peer;        // "ipv4:127.0.0.1:40312"
  std::string request_id;  // the client's `x-request-id` if it is a plain word, otherwise a new one
  std::string trace_id;    // of the client's W3C `traceparent`; empty: none
  // Who makes the call, by the server's policy; null without a policy: then everybody may do everything.
  std::shared_ptr<const Principal> principal;
  std::string credential;  // by which the principal is known, for logs: "token 1a2b3c4d"
  // Of a call that is rejected for its credentials, `principal` and `credential` are what is known about them.
  absl::Time expires = absl::InfiniteFuture();  // when the credential does
  v1::Role required_role = v1::ROLE_OPERATOR;   // of the method, for the tenant of the request
  absl::Duration deadline;                      // steady time; absl::InfiniteDuration(): none
  std::function<bool()> is_cancelled;           // whether the client cancelled the call
  std::shared_ptr<CallNotes> notes = std::make_shared<CallNotes>();
};

// The tenant of a request whose tenant is `name`; empty: the principal's default tenant. Notes it, or that it is
// denied. Every handler calls this before it reads or changes anything of a tenant.
// INVALID_REQUEST: `name` is not a valid tenant name. PERMISSION_DENIED: the principal does not have the required role
// for the tenant.
absl::StatusOr<TenantId> GetTenant(const CallContext& call, absl::string_view name);

// The caller to whom limits attribute a call: its principal, or its connection if it has none or is anonymous.
std::string CallerOf(const CallContext& call);

// The peer of a call without its port, which does not identify the caller: "ipv4:127.0.0.1" for "ipv4:127.0.0.1:40312".
std::string WithoutPort(const std::string& peer);

// The same, with the /64 network of an IPv6 address, because a single host can use all of its addresses:
// "ipv6:2001:db8::/64".
std::string HostOf(const std::string& peer);

// Makes the context of a call to `method` at the steady time `now`. `context` must outlive the result.
CallContext MakeCallContext(const grpc::ServerContext& context, absl::string_view method, absl::Duration now);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_CALL_CONTEXT_H_
