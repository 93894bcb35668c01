// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_UNARY_SERVICE_H_
#define QCONFIG_SERVER_RPC_UNARY_SERVICE_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/error.h"
#include "server/base/call_context.h"
#include "server/base/clock.h"
#include "server/observe/call_metrics.h"
#include "server/observe/call_observer.h"
#include "server/rpc/answer_cache.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/in_flight_calls.h"
#include "server/rpc/worker_threads.h"

namespace qconfig {

// A method as its transport sees it: bytes in, bytes or a status out.
using BytesMethod = std::function<absl::StatusOr<std::string>(const CallContext&, absl::string_view)>;

// Turns a method on messages into one on bytes. Bytes that are no `Request` are INVALID_REQUEST.
template <typename Request, typename Response>
BytesMethod OnBytes(std::function<absl::StatusOr<Response>(const CallContext&, const Request&)> method) {
  return [method = std::move(method)](const CallContext& call, absl::string_view bytes) -> absl::StatusOr<std::string> {
    Request request;
    if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return Error(v1::ERROR_REASON_INVALID_REQUEST)
          .ToStatus("the bytes are no " + Request::descriptor()->full_name() +
                    ": they are malformed, nested too deeply, or have text that is not UTF-8");
    }
    // Else fields of a newer contract would come back inside the parts of the answer that are copied from the request.
    request.DiscardUnknownFields();
    const auto response = method(call, request);
    if (!response.ok()) return response.status();
    return response->SerializeAsString();
  };
}

// Serves methods on gRPC's synchronous threads, and one that is asked most by a queue and a cache. Unlike generated
// services it parses requests itself, because gRPC calls bytes that it cannot parse an internal error of the server.
// Thread-safe once the server has started.
class UnaryService : public grpc::Service {
 public:
  // Requests of more than `max_request_bytes` are MESSAGE_TOO_LARGE. What `in_flight_calls` does not let in is refused
  // unread, and told when to try again; what nobody waits for any more is not worked on. `observer` must outlive the
  // service.
  UnaryService(const google::protobuf::ServiceDescriptor* descriptor, size_t max_request_bytes, CallObserver& observer,
               Clock clock, std::shared_ptr<InFlightCalls> in_flight_calls);

  // Serves `name` by `method`. REQUIRES: the server has not started, and `descriptor` has such a method.
  void Add(const std::string& name, BytesMethod method);

  // Serves `name` by `cache`, on the thread of a queue, and what is not there by `method`, on a thread of its own.
  // REQUIRES: as Add(); only one is added so; an answer depends on the request's bytes and on the registry of the one
  // tenant that `method` notes, and on nothing else of the call.
  void AddCached(const std::string& name, BytesMethod method, std::shared_ptr<AnswerCache> cache);

  // Begins to serve what was added by AddCached(). `queue` and `workers` serve it from now on until they are stopped.
  // REQUIRES: the server has started, the queue has not.
  void Serve(CallQueue& queue, WorkerThreads& workers);

 private:
  struct Method {
    std::string path;  // "qconfig.v1.ConfigService/GetConfig"
    const MethodMetrics& metrics;
    BytesMethod serve;
  };
  struct CachedMethod {
    Method method;
    int index;  // among the methods of the service
    std::shared_ptr<AnswerCache> cache;
    int awaited = 0;  // calls that gRPC can hand over at once; on the queue's thread only
  };
  // A call that came.
  struct Arrival {
    absl::Time time;
    absl::StatusOr<std::shared_ptr<void>> running;  // or why it is refused
  };
  class QueuedCall;

  // Has gRPC call `handler`, or has it put calls on a queue when that is null.
  void AddPath(const std::string& path, grpc::internal::MethodHandler* handler);
  absl::StatusOr<std::string> Answer(const CallContext& call, const BytesMethod& method,
                                     const grpc::ByteBuffer& request) const;
  // Answers a call, be it with a failure. The arrival's place is free when it returns, before the answer is sent.
  // `context` and `request` are those of the call.
  grpc::Status Serve(const Method& method, Arrival arrival, grpc::ServerContext& context,
                     const grpc::ByteBuffer& request, grpc::ByteBuffer& response);

  const google::protobuf::ServiceDescriptor* descriptor_;
  const size_t max_request_bytes_;
  CallObserver& observer_;
  const Clock clock_;
  const std::shared_ptr<InFlightCalls> in_flight_calls_;
  std::deque<std::string> paths_;  // stays where it is while it grows
  std::optional<CachedMethod> cached_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_UNARY_SERVICE_H_
