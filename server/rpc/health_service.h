// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_HEALTH_SERVICE_H_
#define QCONFIG_SERVER_RPC_HEALTH_SERVICE_H_

#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "grpc/health/v1/health.pb.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/handler_table.h"

namespace qconfig {

// grpc.health.v1.Health. Every service is SERVING until a report says otherwise. gRPC's own health service would make
// all other calls more expensive; server/DECISIONS.md has the reason. Thread-safe.
class HealthService {
 public:
  // Knows `services` by name; "" refers to the whole server.
  // `admit_watch` is called for each new call of Watch, which fails if it fails.
  explicit HealthService(const std::set<std::string>& services,
                         std::function<absl::Status()> admit_watch = absl::OkStatus);

  // Adds Check and Watch. This must outlive the calls.
  void AddTo(HandlerTable& handlers);

  // Reports whether calls of `service` succeed, and sends changes to its watchers. REQUIRES: `service` is known or "",
  // and `queue` serves Watch and has started.
  void Report(const std::string& service, bool is_serving, CallQueue& queue);

  // Reports NOT_SERVING for all services from now on, whatever Report() says. REQUIRES: as above.
  void ReportNotServing(CallQueue& queue);

 private:
  class Checker;
  class Watcher;

  grpc::health::v1::HealthCheckResponse::ServingStatus GetStatus(const std::string& service) const;

  void SendChanges(CallQueue& queue);

  std::map<std::string, std::atomic<bool>> is_serving_;  // by service
  std::atomic<bool> stopped_{false};
  const std::function<absl::Status()> admit_watch_;
  std::set<Watcher*> watchers_;  // on the queue's thread only
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_HEALTH_SERVICE_H_
