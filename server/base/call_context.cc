// SPDX-License-Identifier: Apache-2.0
#include "server/base/call_context.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/error.h"

namespace qconfig {
namespace {

absl::string_view MetadataValue(const grpc::ServerContext& context, const char* key) {
  const auto it = context.client_metadata().find(key);
  return it == context.client_metadata().end() ? absl::string_view()
                                               : absl::string_view(it->second.data(), it->second.size());
}

// Ids are fields of log lines, so an id with spaces could imitate other fields.
bool IsRequestId(absl::string_view text) {
  constexpr size_t kMaxSize = 128;
  const auto is_plain = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("._:/+=-").find(c) != absl::string_view::npos;
  };
  return !text.empty() && text.size() <= kMaxSize && std::all_of(text.begin(), text.end(), is_plain);
}

std::string NewRequestId() {
  thread_local absl::InsecureBitGen generator;
  return absl::StrFormat("%016x%016x", absl::Uniform<uint64_t>(generator), absl::Uniform<uint64_t>(generator));
}

// The second part of "00-<32 hex digits>-<16 hex digits>-<2 hex digits>".
std::string ParseTraceId(absl::string_view traceparent) {
  const std::vector<absl::string_view> parts = absl::StrSplit(traceparent, '-');
  constexpr absl::string_view kHexDigits = "0123456789abcdef";
  const bool valid =
      parts.size() >= 4 && parts[1].size() == 32 && parts[1].find_first_not_of(kHexDigits) == absl::string_view::npos;
  return valid ? std::string(parts[1]) : "";
}

absl::Status CheckPermission(const CallContext& call, const TenantId& tenant) {
  if (call.principal == nullptr) return absl::OkStatus();
  const v1::Role needed = RoleForTenant(call.required_role);
  const v1::Role role = call.principal->RoleFor(tenant.name());
  if (role >= needed) return absl::OkStatus();
  const std::string required = RoleName(needed);
  const std::string has = role == v1::ROLE_UNSPECIFIED ? "no role" : absl::StrCat("the role ", RoleName(role));
  return Error(v1::ERROR_REASON_PERMISSION_DENIED)
      .Tenant(tenant.name())
      .RequiredRole(required)
      .Advice("Ask the operators of the server for a grant in its policy, or name another tenant")
      .ToStatus(absl::StrCat("the method requires the role ", required, " for the tenant \"", tenant.name(), "\", and ",
                             call.principal->name, " has ", has));
}

}  // namespace

absl::StatusOr<TenantId> GetTenant(const CallContext& call, absl::string_view name) {
  const TenantId unnamed = call.principal == nullptr ? TenantId::Default() : call.principal->default_tenant;
  absl::StatusOr<TenantId> tenant = name.empty() ? unnamed : TenantId::Parse(name, "tenant");
  if (!tenant.ok()) return tenant;
  if (absl::Status permitted = CheckPermission(call, *tenant); !permitted.ok()) {
    if (++call.notes->denials == 1) call.notes->denied_tenant = tenant->name();
    return permitted;
  }
  std::vector<std::string>& noted = call.notes->tenants;
  if (noted.empty() || noted.back() != tenant->name()) noted.push_back(tenant->name());
  return tenant;
}

std::string CallerOf(const CallContext& call) {
  return call.principal == nullptr || call.principal->is_anonymous ? call.peer : call.principal->name;
}

std::string WithoutPort(const std::string& peer) {
  const size_t colon = peer.rfind(':');
  const bool has_port = absl::StartsWith(peer, "ipv4:") || absl::StartsWith(peer, "ipv6:");
  return has_port && colon > 4 ? peer.substr(0, colon) : peer;
}

std::string HostOf(const std::string& peer) {
  constexpr size_t kNetworkBytes = 8;
  const std::string host = absl::StrReplaceAll(WithoutPort(peer), {{"%5B", ""}, {"%5D", ""}, {"[", ""}, {"]", ""}});
  absl::string_view text = host;
  in6_addr address = {};
  if (!absl::ConsumePrefix(&text, "ipv6:") || inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1) {
    return host;
  }
  std::fill(address.s6_addr + kNetworkBytes, address.s6_addr + sizeof(address.s6_addr), uint8_t{0});
  char network[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &address, network, sizeof(network));
  return absl::StrCat("ipv6:", network, "/64");
}

CallContext MakeCallContext(const grpc::ServerContext& context, absl::string_view method, absl::Duration now) {
  CallContext call;
  call.method = std::string(method);
  call.peer = context.peer();
  const absl::string_view request_id = MetadataValue(context, "x-request-id");
  call.request_id = IsRequestId(request_id) ? std::string(request_id) : NewRequestId();
  call.trace_id = ParseTraceId(MetadataValue(context, "traceparent"));
  // gRPC converts the time that is left into a date, with the clock that is read here.
  const auto deadline = context.deadline();
  call.deadline = deadline == std::chrono::system_clock::time_point::max()
                      ? absl::InfiniteDuration()
                      : now + absl::FromChrono(deadline - std::chrono::system_clock::now());
  call.is_cancelled = [&context] { return context.IsCancelled(); };
  return call;
}

}  // namespace qconfig
