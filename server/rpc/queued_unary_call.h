// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_QUEUED_UNARY_CALL_H_
#define QCONFIG_SERVER_RPC_QUEUED_UNARY_CALL_H_

#include <memory>

#include "server/rpc/answer_cache.h"
#include "server/rpc/bytes_service.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/handler_table.h"
#include "server/rpc/unary_dispatcher.h"
#include "server/rpc/worker_threads.h"

namespace qconfig {

// Serves a unary method whose calls arrive on a completion queue. The queue's thread sends cached answers; worker
// threads handle all other calls. Not thread-safe.
class QueuedUnaryMethod {
 public:
  // Registers the method with `service`. `service` and `dispatcher` must outlive this.
  QueuedUnaryMethod(QueuedMethod method, BytesService& service, UnaryDispatcher& dispatcher);

  // Begins to accept calls. `this`, `queue` and `workers` are in use until the queue stops. REQUIRES: the server has
  // started, and the queue has not.
  void Serve(CallQueue& queue, WorkerThreads& workers);

 private:
  class Call;

  BytesService& service_;
  UnaryDispatcher& dispatcher_;
  const ObservedMethod method_;
  const std::shared_ptr<AnswerCache> cache_;  // null: nothing is cached
  const int index_;                           // of the method in service_
  int awaited_ = 0;                           // calls that gRPC can deliver at once; on the queue's thread only
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_QUEUED_UNARY_CALL_H_
