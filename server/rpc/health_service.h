// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_HEALTH_SERVICE_H_
#define QCONFIG_SERVER_RPC_HEALTH_SERVICE_H_

#include <atomic>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "server/rpc/call_queue.h"

namespace qconfig {

// grpc.health.v1.Health: Check on gRPC's synchronous threads, Watch on a queue, so that watchers take no thread. All
// services are served until ReportNotServing(). gRPC's own service would slow down every other call, see DECISIONS.md.
// Thread-safe.
class HealthService final : public grpc::health::v1::Health::WithAsyncMethod_Watch<grpc::health::v1::Health::Service> {
 public:
  // `services` are known by name, and "" is all of them.
  explicit HealthService(std::set<std::string> services);

  // Begins to serve Watch. `queue` serves it from now on until it is stopped. REQUIRES: the server has started, the
  // queue has not.
  void Serve(CallQueue& queue);

  // All watchers are told. REQUIRES: the queue has started.
  void ReportNotServing();

  grpc::Status Check(grpc::ServerContext* context, const grpc::health::v1::HealthCheckRequest* request,
                     grpc::health::v1::HealthCheckResponse* response) override;

 private:
  class Watcher;

  grpc::health::v1::HealthCheckResponse::ServingStatus StatusOf(const std::string& service) const;

  const std::set<std::string> services_;
  std::atomic<bool> serving_{true};
  CallQueue* queue_ = nullptr;
  std::set<Watcher*> watchers_;  // on the queue's thread only
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_HEALTH_SERVICE_H_
