// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SERVER_H_
#define QCONFIG_SERVER_APP_SERVER_H_

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <spdlog/logger.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/limits.h"
#include "server/auth/authenticator.h"
#include "server/base/clock.h"
#include "server/observe/call_observer.h"
#include "server/observe/metrics.h"
#include "server/registry/registry.h"
#include "server/rpc/answer_cache.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/connection_table.h"
#include "server/rpc/handler_table.h"
#include "server/rpc/health_service.h"
#include "server/rpc/in_flight_calls.h"
#include "server/rpc/reflection_service.h"
#include "server/rpc/transport.h"
#include "server/rpc/transport_guard.h"
#include "server/rpc/unary_dispatcher.h"
#include "server/rpc/worker_threads.h"
#include "server/services/config_service.h"
#include "server/services/registry_service.h"

namespace grpc::experimental {
class ExternalConnectionAcceptor;
}  // namespace grpc::experimental

namespace qconfig {

class Acceptor;
class AuditLog;
class LimitedLog;

// The settings of a server, without its registry.
struct ServerSettings {
  std::string listen = "127.0.0.1:50051";  // an address for ListeningSockets
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  Limits limits;
  Clock clock;
  std::shared_ptr<spdlog::logger> log;
  CallLogSettings call_log;
  std::shared_ptr<Metrics> metrics = std::make_shared<Metrics>(0);
  std::shared_ptr<InFlightCalls> in_flight_calls = std::make_shared<InFlightCalls>();
  CallResources resources;
  std::shared_ptr<Authenticator> authenticator;  // null: without a policy
  std::shared_ptr<AuditLog> audit_log;           // null: none
  std::shared_ptr<AnswerCache> answer_cache =
      std::make_shared<AnswerCache>(0);  // the registry must report changes to the cache
  std::shared_ptr<ConnectionTable> connections = std::make_shared<ConnectionTable>(ConnectionLimits());
  std::shared_ptr<LimitedLog> connection_log;            // for events that any peer can cause
  bool uses_tls = false;                                 // then handshakes are limited
  absl::Duration handshake_timeout = absl::Seconds(20);  // for TLS, and for the first bytes of HTTP/2
  std::shared_ptr<TransportGuard> transport_guard = std::make_shared<TransportGuard>(TransportGuard::Settings());
  bool reflection = true;                                  // whether to serve it
  absl::Duration keepalive = absl::Seconds(60);            // idle time before a connection is pinged
  absl::Duration max_connection_age = absl::Hours(1) / 2;  // 0: no limit
};

// A running gRPC server with ConfigService, RegistryService, health and reflection. Thread-safe.
class Server {
 public:
  // kUnavailable: cannot listen on the address. `registry` must outlive the server.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerSettings& settings, Registry& registry);

  // Stops the server immediately if Shutdown() was not called.
  ~Server();

  // The size of the largest message that gRPC receives.
  static size_t MaxReceivedBytes(const Limits& limits);

  // The port that the server listens on. Meaningless for a Unix socket.
  int port() const { return port_; }

  // Whether the transport guard sees the server's connections.
  bool IsGuarded() const { return transport_guard_->IsInPath(*server_); }

  // Checks that the thread that receives calls runs. kUnavailable: shut down.
  absl::Status CheckReceiving();
  // Makes calls that no client sees: a GetConfig that is not cached, and a write that is only validated.
  // They take the way of clients' calls from the queue's thread on. The errors are those of these calls.
  absl::Status CheckCalls();

  // What the health service reports: whether reads succeed, for the server as a whole and for ConfigService, and
  // whether writes do, for RegistryService. Most clients only read, and watch the server as a whole.
  void ReportReads(bool succeed);
  void ReportWrites(bool succeed);

  // Makes the health service report NOT_SERVING. Calls are still served.
  void ReportNotServing();

  // Reports NOT_SERVING, rejects new calls, and waits up to `grace` for calls in flight. Then cancels the
  // remaining calls, and the streams of health and reflection. Returns the number of cancelled calls. Waits for
  // handlers to return. A second call does nothing and returns 0. Must not be called concurrently.
  size_t Shutdown(absl::Duration grace);

 private:
  Server(const ServerSettings& settings, Registry& registry);

  HandlerTable Handlers(const ServerSettings& settings);

  const std::shared_ptr<grpc::ServerCredentials> credentials_;  // outlives server_
  Registry& registry_;
  ConfigService config_service_;
  RegistryService registry_service_;
  CallObserver observer_;
  const std::shared_ptr<InFlightCalls> in_flight_calls_;
  const std::shared_ptr<TransportGuard> transport_guard_;
  const Clock clock_;
  const std::string self_check_tenant_;  // whose configuration CheckCalls() asks for
  HealthService health_;
  ReflectionService reflection_;
  Transport transport_;
  int port_ = 0;
  std::unique_ptr<CallQueue> queue_;        // outlives server_
  std::unique_ptr<WorkerThreads> workers_;  // outlive the queue's thread, which hands calls to them
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections_;  // takes accepted connections
  std::unique_ptr<Acceptor> acceptor_;
  bool is_shut_down_ = false;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SERVER_H_
