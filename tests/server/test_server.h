// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_TEST_SERVER_H_
#define QCONFIG_TESTS_SERVER_TEST_SERVER_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/builtin_catalogs.h"
#include "core/limits.h"
#include "qconfig/client.h"
#include "server/app/server.h"
#include "server/registry/registry.h"
#include "server/registry/storage/registry_store.h"

namespace qconfig {

// Settings of a TestServer, with defaults.
struct TestSettings {
  Catalogs catalogs = LoadBuiltinCatalogs().value();
  std::string default_catalog = std::string(kDefaultCatalog);
  Limits limits;
  HistoryLimits history;
  absl::Duration max_history_age = absl::Hours(24 * 400);
  int64_t max_tenants = 10'000;
  Clock clock;
  std::unique_ptr<RegistryStore> store;  // null: an in-memory store
  size_t cache_bytes = 256u << 20;
  size_t answer_cache_bytes = 64u << 20;
  CallLogSettings call_log;
  std::shared_ptr<Metrics> metrics = std::make_shared<Metrics>(100);
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  std::string listen = "127.0.0.1:0";
  ConnectionLimits connections;
  absl::Duration handshake_timeout = absl::Seconds(20);
  bool uses_tls = false;
  std::shared_ptr<InFlightCalls> in_flight_calls = std::make_shared<InFlightCalls>();
  std::shared_ptr<TransportGuard> transport_guard;  // null: one that reports to the connections, as in qconfigd
  CallResources resources;
  absl::Duration max_wait = absl::Seconds(30);  // for min_revision, if the call has no deadline
  size_t max_waiting_calls = 128;
  size_t max_writing_calls = 128;
  bool reflection = true;
  std::shared_ptr<Authenticator> authenticator;  // null: without a policy
  std::shared_ptr<AuditLog> audit_log;           // null: none
};

// A real server on a free loopback port, and its client. The destructor stops the server.
class TestServer {
 public:
  // Serves the built-in catalogues.
  TestServer() : TestServer(TestSettings()) {}
  explicit TestServer(const Limits& limits);
  explicit TestServer(TestSettings settings);

  client::Client& client() { return client_; }
  // Returns another client of the same server.
  client::Client NewClient(const std::string& tenant, absl::Duration timeout = absl::Seconds(60)) const;
  const std::shared_ptr<grpc::Channel>& channel() { return channel_; }
  Server& server() { return *server_; }
  std::string address() const;

  Registry& registry() { return registry_; }
  const AnswerCache& answer_cache() const { return *answer_cache_; }
  const InFlightCalls& in_flight_calls() const { return *in_flight_calls_; }
  ConnectionTable& connections() { return *connections_; }
  const TransportGuard& transport_guard() const { return *transport_guard_; }
  Metrics& metrics() { return *metrics_; }

  // Calls a method with arbitrary bytes.
  grpc::Status CallWithBytes(const std::string& method, absl::string_view request,
                             const std::string& service = "ConfigService", std::string* response = nullptr);

  // The serialized answer of GetConfig. Empty if the call fails.
  std::string AnswerTo(const v1::GetConfigRequest& request);

  // The log so far.
  std::string log() const { return log_.str(); }

 private:
  std::unique_ptr<Server> Start(const CallLogSettings& call_log, bool reflection);

  std::ostringstream log_;
  const Limits limits_;
  const Clock clock_;
  const std::shared_ptr<Metrics> metrics_;
  const std::shared_ptr<grpc::ServerCredentials> credentials_;
  const std::shared_ptr<ConnectionTable> connections_;
  const absl::Duration handshake_timeout_;
  const bool uses_tls_;
  const std::string listen_;
  const std::shared_ptr<InFlightCalls> in_flight_calls_;
  const std::shared_ptr<TransportGuard> transport_guard_;
  const CallResources resources_;
  const std::shared_ptr<Authenticator> authenticator_;
  const std::shared_ptr<AuditLog> audit_log_;
  const std::shared_ptr<AnswerCache> answer_cache_;
  std::unique_ptr<RegistryStore> store_;
  Registry registry_;
  std::unique_ptr<Server> server_;
  client::Client client_;
  std::shared_ptr<grpc::Channel> channel_;
};

// The reason and the field of an error that a client received, such as "SCHEME_NOT_FOUND at scheme". "OK" for an OK
// status.
std::string ReceivedReasonAndField(const absl::Status& status);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_TEST_SERVER_H_
