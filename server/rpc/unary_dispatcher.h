// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_UNARY_DISPATCHER_H_
#define QCONFIG_SERVER_RPC_UNARY_DISPATCHER_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/auth/authenticator.h"
#include "server/auth/call_audit.h"
#include "server/auth/rate_limiter.h"
#include "server/base/clock.h"
#include "server/base/counted.h"
#include "server/base/memory_budget.h"
#include "server/base/memory_pressure.h"
#include "server/observe/call_metrics.h"
#include "server/observe/call_observer.h"
#include "server/rpc/answer_cache.h"
#include "server/rpc/handler_table.h"
#include "server/rpc/in_flight_calls.h"

namespace qconfig {

// A method's handler, and the series that count its calls.
struct ObservedMethod {
  std::string path;
  const MethodMetrics& metrics;
  BytesMethod handler;
  MemoryCost memory;
  v1::Role required_role;
};

// What calls share.
struct CallResources {
  std::shared_ptr<MemoryBudget> budget = std::make_shared<MemoryBudget>();
  std::shared_ptr<MemoryPressure> pressure = std::make_shared<MemoryPressure>();
  std::shared_ptr<FairTurns> turns = std::make_shared<FairTurns>();
  std::shared_ptr<RateLimiter> rates = std::make_shared<RateLimiter>();
};

// A call that has arrived.
struct Arrival {
  absl::Duration time;               // steady time
  absl::StatusOr<Counted> admitted;  // counts the call as in flight, or is the reason why it is rejected
};

// The steps that are the same for every unary call, however it is served: admission, credentials, checks of size,
// deadline and memory, the handler, metrics and log, and the mapping of its status. Thread-safe.
class UnaryDispatcher {
 public:
  // Requests of more than `max_request_bytes` are MESSAGE_TOO_LARGE. Calls that `in_flight_calls` rejects are not
  // parsed, and their status tells the client when to retry. Without an `authenticator`, nobody needs credentials, and
  // everybody may do everything. Rejected callers are in the log of `audit`. `observer` must outlive the dispatcher.
  UnaryDispatcher(size_t max_request_bytes, CallObserver& observer, Clock clock,
                  std::shared_ptr<InFlightCalls> in_flight_calls, CallResources resources = {},
                  std::shared_ptr<Authenticator> authenticator = nullptr, CallAudit audit = {});

  size_t max_request_bytes() const { return max_request_bytes_; }
  absl::Duration Steady() const { return clock_.Steady(); }

  // REQUIRES: the contract has a method with this path.
  ObservedMethod Observe(std::string path, BytesMethod handler, const MemoryCost& memory = {}) const;

  // Admits or rejects a call that arrived at the steady time `time`.
  Arrival Admit(absl::Duration time, const grpc::ServerContext& context);

  // Answers a call: fills `response` if the returned status is OK. When this returns, the call no longer counts as
  // being handled; until it is sent, its response counts as an answer being sent. OVERLOADED: the client does not read
  // earlier answers.
  grpc::Status Dispatch(const ObservedMethod& method, Arrival arrival, grpc::ServerContext& context,
                        const grpc::ByteBuffer& request, grpc::ByteBuffer& response);

  // To be called after a call that was dispatched, while gRPC still needs its `context`.
  void Ended(const grpc::ServerContextBase& context) { in_flight_calls_->Ended(&context); }

  // Whether callers are authenticated.
  bool authenticates() const { return authenticator_ != nullptr; }

  // Who makes a call, if that is known without checking a credential. Null: it is not known, or !authenticates().
  std::shared_ptr<const Caller> FindKnownCaller(const grpc::ServerContext& context) const;

  // Counts and logs a call that arrived at the steady time `time` and gets the cached `answer`. `caller` is that of
  // FindKnownCaller(). The result counts the answer as being sent, and must not outlive the dispatcher. It counts
  // nothing if the call must be dispatched instead: the server is draining, too many answers are being sent, or the
  // caller must not have the answer.
  Counted FinishCached(const ObservedMethod& method, absl::Duration time, grpc::ServerContext& context,
                       const Caller* caller, const CachedAnswer& answer);

 private:
  // Sets who makes the call, and counts it. Errors are those of Authenticator::Authenticate() and RateLimiter::Take().
  absl::Status Identify(const grpc::ServerContext& context, CallContext& call) const;
  absl::StatusOr<std::string> Handle(const CallContext& call, const ObservedMethod& method,
                                     const grpc::ByteBuffer& request) const;
  // Ends the turn of a call that is over, and charges the tenant for parsing, if that has not been done.
  void EndTurns(const CallContext& call) const;
  // Reserves the memory of a call whose request has `bytes`, unless it is small. Errors are those of MemoryBudget and
  // MemoryPressure.
  absl::StatusOr<Counted> ReserveMemory(const CallContext& call, const MemoryCost& cost, size_t bytes) const;
  // Waits for a turn to parse a request that has `bytes`, unless it is small. Errors are those of FairTurns.
  absl::Status BeginToParse(const CallContext& call, size_t bytes) const;

  const size_t max_request_bytes_;
  CallObserver& observer_;
  const Clock clock_;
  const std::shared_ptr<InFlightCalls> in_flight_calls_;
  const CallResources resources_;
  const std::shared_ptr<Authenticator> authenticator_;  // null: without a policy
  const CallAudit audit_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_UNARY_DISPATCHER_H_
