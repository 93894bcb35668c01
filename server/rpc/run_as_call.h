// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_RUN_AS_CALL_H_
#define QCONFIG_SERVER_RPC_RUN_AS_CALL_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/in_flight_calls.h"
#include "server/rpc/worker_threads.h"

namespace qconfig {

// Waits until the thread of `queue` has run. kUnavailable: the queue has stopped. REQUIRES: it has started.
absl::Status WaitForQueue(CallQueue& queue);

// Runs `work` where a queued call that is not cached runs, and returns its result: on the thread of `queue`, only if
// there is room among `calls`, and then on a worker thread. Holds its place only for a moment, so that no call is
// rejected because of it. kUnavailable: the queue has stopped. Other errors are those of InFlightCalls::Enter().
// REQUIRES: the queue has started. `workers` is used on the queue's thread only.
absl::Status RunAsCall(CallQueue& queue, InFlightCalls& calls, const std::unique_ptr<WorkerThreads>& workers,
                       std::function<absl::Status()> work);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_RUN_AS_CALL_H_
