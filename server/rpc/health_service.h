// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_HEALTH_SERVICE_H_
#define QCONFIG_SERVER_RPC_HEALTH_SERVICE_H_

#include <atomic>
#include <set>
#include <string>

#include "grpc/health/v1/health.pb.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/handler_table.h"

namespace qconfig {

// grpc.health.v1.Health. Every service is SERVING until ReportNotServing(). gRPC's own health service would make all
// other calls more expensive; server/DECISIONS.md has the reason. Thread-safe.
class HealthService {
 public:
  // Knows `services` by name; "" refers to the whole server.
  explicit HealthService(std::set<std::string> services);

  // Adds Check and Watch. This must outlive the calls.
  void AddTo(HandlerTable& handlers);

  // Reports NOT_SERVING from now on, and sends it to all watchers. REQUIRES: `queue` serves Watch and has started.
  void ReportNotServing(CallQueue& queue);

 private:
  class Checker;
  class Watcher;

  grpc::health::v1::HealthCheckResponse::ServingStatus GetStatus(const std::string& service) const;

  const std::set<std::string> services_;
  std::atomic<bool> serving_{true};
  std::set<Watcher*> watchers_;  // on the queue's thread only
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_HEALTH_SERVICE_H_
