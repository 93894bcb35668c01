// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/transport.h"

#include <utility>

#include "server/rpc/answer_cache.h"
#include "server/rpc/sync_adapter.h"

namespace qconfig {

Transport::Transport(HandlerTable handlers, size_t max_request_bytes, CallObserver& observer, Clock clock,
                     std::shared_ptr<InFlightCalls> in_flight_calls, CallResources resources,
                     std::shared_ptr<Authenticator> authenticator, CallAudit audit)
    : dispatcher_(max_request_bytes, observer, std::move(clock), std::move(in_flight_calls), std::move(resources),
                  std::move(authenticator), std::move(audit)) {
  for (SyncMethod& method : handlers.sync) {
    ObservedMethod observed = dispatcher_.Observe(method.path, std::move(method.handler), method.memory);
    auto handler = MakeSyncHandler(std::move(observed), dispatcher_);
    service_.AddSync(method.path, std::move(handler));
  }
  for (QueuedMethod& method : handlers.queued) queued_.emplace_back(std::move(method), service_, dispatcher_);
  for (StreamingMethod& method : handlers.streaming) {
    streaming_.push_back(
        {service_, service_.AddStreaming(method.path), method.max_message_bytes, std::move(method.open)});
  }
}

void Transport::Serve(CallQueue& queue, WorkerThreads& workers) {
  for (QueuedUnaryMethod& method : queued_) method.Serve(queue, workers);
  for (const StreamingCall::Method& method : streaming_) StreamingCall::Serve(method, queue);
}

}  // namespace qconfig
