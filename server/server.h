// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SERVER_H_
#define QCONFIG_SERVER_SERVER_H_

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <spdlog/logger.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/limits.h"
#include "server/call_observer.h"
#include "server/clock.h"
#include "server/config_service.h"
#include "server/metrics.h"
#include "server/registry.h"
#include "server/registry_service.h"
#include "server/unary_service.h"

namespace qconfig {

// What a server is made of beside its registry.
struct ServerSettings {
  std::string listen = "127.0.0.1:50051";  // host:port; port 0 takes a free one
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  Limits limits;
  Clock clock = absl::Now;
  std::shared_ptr<spdlog::logger> log;
  CallLogSettings call_log;
  std::shared_ptr<Metrics> metrics = std::make_shared<Metrics>(0);
};

// A running gRPC server with ConfigService, RegistryService, health and reflection. Thread-safe.
class Server {
 public:
  // kUnavailable when the address cannot be listened on. `registry` must outlive the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerSettings& settings, Registry& registry);

  // Ends the server at once when Shutdown() was not called.
  ~Server();

  // The port that is listened on. Of no meaning for a Unix socket.
  int port() const { return port_; }

  // How many calls run: from their start until their answer is sent.
  int running_calls() const { return running_calls_->count(); }

  // Whether new calls are refused because the server ends.
  bool is_draining() const { return running_calls_->is_draining(); }

  // Reports itself as not serving, refuses calls, and waits for those that run, for `grace` at the most. What is left
  // then is cancelled, and so are streams of health and reflection.
  void Shutdown(absl::Duration grace);

 private:
  Server(const ServerSettings& settings, Registry& registry);

  const std::shared_ptr<grpc::ServerCredentials> credentials_;  // outlives server_
  Registry& registry_;
  ConfigService config_service_;
  RegistryService registry_service_;
  CallObserver observer_;
  const std::shared_ptr<RunningCalls> running_calls_ = std::make_shared<RunningCalls>();
  UnaryService config_transport_;
  UnaryService registry_transport_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SERVER_H_
