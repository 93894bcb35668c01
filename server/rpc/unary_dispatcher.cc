// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/unary_dispatcher.h"

#include <grpc/grpc.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/rpc/byte_buffers.h"
#include "server/rpc/call_credentials.h"
#include "server/rpc/wire_status.h"

namespace qconfig {
namespace {

// gRPC deletes it when the bytes are sent, or when the call is over.
struct SentAnswer {
  std::string bytes;
  Counted sending;
};

// Hands `bytes` to gRPC without copying them.
grpc::ByteBuffer ToByteBuffer(std::string bytes, Counted sending) {
  auto* const answer = new SentAnswer{std::move(bytes), std::move(sending)};
  grpc::Slice slice(
      answer->bytes.data(), answer->bytes.size(), [](void* sent) { delete static_cast<SentAnswer*>(sent); }, answer);
  return grpc::ByteBuffer(&slice, 1);
}

// Fails if the client no longer waits for the answer.
absl::Status CheckActive(const CallContext& call, absl::Duration now) {
  if (now >= call.deadline) return absl::DeadlineExceededError("the deadline passed before the server began the call");
  if (call.is_cancelled()) return absl::CancelledError("the client cancelled the call before the server began it");
  return absl::OkStatus();
}

// Returns a function that cancels the call, and keeps the call's memory as long as it lives.
std::function<void()> CancelOf(grpc::ServerContext& context) {
  grpc_call* const call = context.c_call();
  grpc_call_ref(call);
  return [held = std::shared_ptr<grpc_call>(call, grpc_call_unref)] { grpc_call_cancel(held.get(), nullptr); };
}

// Tells clients with a retry policy when to retry a rejected call. The delay is random, so that clients that were
// rejected at the same time do not all retry at the same time. RATE_LIMITED has no such delay, because gRPC for Java
// would retry after it, whatever the policy says.
void AddPushback(v1::ErrorReason reason, grpc::ServerContext& context) {
  if (reason != v1::ERROR_REASON_OVERLOADED && reason != v1::ERROR_REASON_SHUTTING_DOWN) return;
  // Overload lasts a while. Clients of a server that shuts down should find another server soon.
  int64_t from_ms = 100;
  int64_t to_ms = 1000;
  if (reason == v1::ERROR_REASON_SHUTTING_DOWN) from_ms = 50, to_ms = 250;
  thread_local absl::InsecureBitGen generator;
  context.AddTrailingMetadata("grpc-retry-pushback-ms",
                              absl::StrCat(absl::Uniform(absl::IntervalClosed, generator, from_ms, to_ms)));
}

// Whether methods that require the role change a registry.
bool IsWrite(v1::Role required_role) { return required_role >= v1::ROLE_EDITOR; }

void SetCaller(const Caller& caller, CallContext& call) {
  call.principal = caller.principal;
  call.credential = caller.credential;
  call.expires = caller.expires;
}

}  // namespace

UnaryDispatcher::UnaryDispatcher(size_t max_request_bytes, CallObserver& observer, Clock clock,
                                 std::shared_ptr<InFlightCalls> in_flight_calls, CallResources resources,
                                 std::shared_ptr<Authenticator> authenticator, CallAudit audit)
    : max_request_bytes_(max_request_bytes),
      observer_(observer),
      clock_(std::move(clock)),
      in_flight_calls_(std::move(in_flight_calls)),
      resources_(std::move(resources)),
      authenticator_(std::move(authenticator)),
      audit_(std::move(audit)) {}

ObservedMethod UnaryDispatcher::Observe(std::string path, BytesMethod handler, const MemoryCost& memory) const {
  const MethodMetrics& metrics = observer_.Method(path);
  const v1::Role role = RequiredRole(path);
  return {std::move(path), metrics, std::move(handler), memory, role};
}

absl::Status UnaryDispatcher::Identify(const grpc::ServerContext& context, CallContext& call) const {
  if (authenticator_ == nullptr) return absl::OkStatus();
  Caller claimed;
  const auto caller = authenticator_->Authenticate(CredentialsOf(context), &claimed);
  if (!caller.ok()) {
    SetCaller(claimed, call);  // for the logs; the call ends here
    return caller.status();
  }
  SetCaller(**caller, call);
  return resources_.rates->Take(*call.principal, call.peer, IsWrite(call.required_role));
}

std::shared_ptr<const Caller> UnaryDispatcher::FindKnownCaller(const grpc::ServerContext& context) const {
  return authenticator_ == nullptr ? nullptr : authenticator_->FindKnown(CredentialsOf(context));
}

// A caller who is not known yet counts as a connection; hashes and signatures are checked later.
Arrival UnaryDispatcher::Admit(absl::Duration time, const grpc::ServerContext& context) {
  const std::string principal = authenticator_ == nullptr ? "" : authenticator_->FindName(CredentialsOf(context));
  return {time, in_flight_calls_->Enter([&context] { return context.peer(); }, principal)};
}

absl::StatusOr<Counted> UnaryDispatcher::ReserveMemory(const CallContext& call, const MemoryCost& cost,
                                                       size_t bytes) const {
  constexpr size_t kLargeRequest = 64u << 10;
  constexpr size_t kSmallMemory = 2u << 20;
  const bool is_large = cost.is_large || bytes > kLargeRequest;
  const auto work = is_large ? MemoryPressure::Work::kLarge : MemoryPressure::Work::kSmall;
  if (absl::Status admitted = resources_.pressure->Admit(work); !admitted.ok()) return admitted;
  const size_t memory = cost.per_byte * bytes;
  if (memory <= kSmallMemory) return Counted();
  return resources_.budget->Reserve(CallerOf(call), memory, call.deadline);
}

// The tenant is not known before, so the principal, or the host of callers who have none, stands for it. The time is
// charged to the tenant as soon as it is known.
absl::Status UnaryDispatcher::BeginToParse(const CallContext& call, size_t bytes) const {
  constexpr size_t kSmallRequest = 8u << 10;  // takes about 0.1 ms
  if (bytes <= kSmallRequest) return absl::OkStatus();
  const bool is_named = call.principal != nullptr && !call.principal->is_anonymous;
  // No tenant has such a name.
  const std::string stand_in = absl::StrCat("parse ", is_named ? call.principal->name : HostOf(call.peer));
  auto turn =
      resources_.turns->Begin(stand_in, CallerOf(call), call.deadline, {absl::ZeroDuration(), /*is_admitted=*/true});
  if (!turn.ok()) return turn.status();
  call.notes->turn = *std::move(turn);
  return absl::OkStatus();
}

absl::StatusOr<std::string> UnaryDispatcher::Handle(const CallContext& call, const ObservedMethod& method,
                                                    const grpc::ByteBuffer& request) const {
  if (request.Length() > max_request_bytes_) {
    return Error(v1::ERROR_REASON_MESSAGE_TOO_LARGE)
        .ToStatus(absl::StrCat("the request has ", request.Length(), " bytes, more than the ", max_request_bytes_,
                               " allowed"));
  }
  const absl::StatusOr<Counted> memory = ReserveMemory(call, method.memory, request.Length());
  if (!memory.ok()) return memory.status();
  if (absl::Status begun = BeginToParse(call, request.Length()); !begun.ok()) return begun;
  grpc::Slice slice;
  if (!ToSlice(request, slice)) {
    if (call.is_cancelled()) return absl::CancelledError("the client cancelled the call before it sent its message");
    return Error(v1::ERROR_REASON_INVALID_REQUEST).ToStatus("the call has no request message");
  }
  return method.handler(call, AsBytes(slice));
}

// After an error, there may still be a turn, and logs may wait for a disk.
void UnaryDispatcher::EndTurns(const CallContext& call) const {
  const absl::Duration parsed = call.notes->turn.End() + call.notes->earlier_turns.used;
  const bool is_charged = call.notes->earlier_turns.is_admitted;
  if (parsed > absl::ZeroDuration() && !is_charged && !call.notes->tenants.empty()) {
    resources_.turns->Charge(call.notes->tenants.back(), parsed);
  }
}

grpc::Status UnaryDispatcher::Dispatch(const ObservedMethod& method, Arrival arrival, grpc::ServerContext& context,
                                       const grpc::ByteBuffer& request, grpc::ByteBuffer& response) {
  const Arrival held = std::move(arrival);  // released when this returns; a parameter may live longer
  const absl::Duration now = clock_.Steady();
  CallContext call = MakeCallContext(context, method.path, now);
  call.required_role = method.required_role;
  absl::Status rejected = held.admitted.ok() ? CheckActive(call, now) : held.admitted.status();
  if (rejected.ok()) rejected = Identify(context, call);
  absl::StatusOr<std::string> answer = rejected.ok() ? Handle(call, method, request) : rejected;
  EndTurns(call);
  absl::StatusOr<Counted> sending;
  if (answer.ok()) {
    sending = in_flight_calls_->Send([&call] { return call.peer; }, answer->size(), call.notes->has_written,
                                     static_cast<const grpc::ServerContextBase*>(&context),
                                     [&context] { return CancelOf(context); });
  }
  const absl::Status& status = answer.ok() ? sending.status() : answer.status();
  audit_.Finished(call, status);
  observer_.Finished(method.metrics, call, status, clock_.Steady() - held.time);
  if (!status.ok()) {
    AddPushback(ItemErrorOf(status).reason(), context);
    return ToGrpcStatus(status);
  }
  response = ToByteBuffer(*std::move(answer), *std::move(sending));
  return grpc::Status::OK;
}

Counted UnaryDispatcher::FinishCached(const ObservedMethod& method, absl::Duration time, grpc::ServerContext& context,
                                      const Caller* caller, const CachedAnswer& answer) {
  if (caller != nullptr && caller->principal->RoleFor(answer.tenant) < RoleForTenant(method.required_role)) {
    return Counted();
  }
  Counted sending = in_flight_calls_->EnterToSend([&context] { return context.peer(); }, answer.bytes.Length(),
                                                  [&context] { return CancelOf(context); });
  if (sending && caller != nullptr && caller->principal->limits.any() &&
      !resources_.rates->TakeIfAllowed(*caller->principal, context.peer(), IsWrite(method.required_role))) {
    return Counted();
  }
  if (sending) {
    observer_.FinishedOk(method.metrics, answer.tenant, clock_.Steady() - time, [&] {
      CallContext call = MakeCallContext(context, method.path, time);
      if (caller != nullptr) SetCaller(*caller, call);
      return call;
    });
    if (caller != nullptr) ForgetMetadata(context);
  }
  return sending;
}

}  // namespace qconfig
