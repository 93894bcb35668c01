// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_TRANSPORT_H_
#define QCONFIG_SERVER_RPC_TRANSPORT_H_

#include <grpcpp/impl/service_type.h>

#include <deque>
#include <memory>

#include "server/base/clock.h"
#include "server/observe/call_observer.h"
#include "server/rpc/bytes_service.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/handler_table.h"
#include "server/rpc/in_flight_calls.h"
#include "server/rpc/queued_unary_call.h"
#include "server/rpc/streaming_call.h"
#include "server/rpc/unary_dispatcher.h"
#include "server/rpc/worker_threads.h"

namespace qconfig {

// Serves the methods of a HandlerTable. Not thread-safe.
class Transport {
 public:
  // The arguments after `handlers` are those of the UnaryDispatcher. `observer` and what the handlers refer to must
  // outlive the transport.
  Transport(HandlerTable handlers, size_t max_request_bytes, CallObserver& observer, Clock clock,
            std::shared_ptr<InFlightCalls> in_flight_calls, CallResources resources = {},
            std::shared_ptr<Authenticator> authenticator = nullptr, CallAudit audit = {});

  // To be registered with the server, which the transport must outlive.
  grpc::Service& service() { return service_; }

  // Begins to accept calls of queued and streaming methods. The transport, `queue` and `workers` are in use until the
  // queue stops. REQUIRES: the server has started, and the queue has not.
  void Serve(CallQueue& queue, WorkerThreads& workers);

 private:
  UnaryDispatcher dispatcher_;
  BytesService service_;
  std::deque<QueuedUnaryMethod> queued_;  // a deque does not move them, nor the next ones
  std::deque<StreamingCall::Method> streaming_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_TRANSPORT_H_
