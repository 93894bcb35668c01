// SPDX-License-Identifier: Apache-2.0
#include "tests/server/test_server.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <spdlog/sinks/ostream_sink.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/limited_log.h"
#include "server/registry/storage/memory_store.h"

namespace qconfig {

namespace {

TestSettings With(const Limits& limits) {
  TestSettings settings;
  settings.limits = limits;
  return settings;
}

std::shared_ptr<TransportGuard> MakeGuard(const std::shared_ptr<ConnectionTable>& connections) {
  TransportGuard::Settings settings;
  settings.on_established = [connections](int fd) { connections->MarkEstablished(fd); };
  settings.on_first_call = [connections](int fd) { connections->MarkActive(fd); };
  return std::make_shared<TransportGuard>(std::move(settings));
}

RegistrySettings MakeRegistrySettings(const TestSettings& settings, const std::shared_ptr<AnswerCache>& answer_cache) {
  RegistrySettings registry;
  registry.catalogs = settings.catalogs;
  registry.default_catalog = settings.default_catalog;
  registry.limits = settings.limits;
  registry.cache_bytes = settings.cache_bytes;
  registry.max_history_age = settings.max_history_age;
  registry.max_tenants = settings.max_tenants;
  registry.clock = settings.clock;
  registry.max_wait = settings.max_wait;
  registry.max_waiting_calls = settings.max_waiting_calls;
  registry.max_writing_calls = settings.max_writing_calls;
  registry.on_change = [answer_cache](const TenantId& tenant) { answer_cache->Forget(tenant); };
  registry.admit_load = [pressure = settings.resources.pressure] {
    return pressure->Admit(MemoryPressure::Work::kLarge);
  };
  return registry;
}

}  // namespace

TestServer::TestServer(const Limits& limits) : TestServer(With(limits)) {}

TestServer::TestServer(TestSettings settings)
    : limits_(settings.limits),
      clock_(settings.clock),
      metrics_(settings.metrics),
      credentials_(settings.credentials),
      connections_(std::make_shared<ConnectionTable>(settings.connections)),
      handshake_timeout_(settings.handshake_timeout),
      uses_tls_(settings.uses_tls),
      listen_(settings.listen),
      in_flight_calls_(settings.in_flight_calls),
      transport_guard_(settings.transport_guard != nullptr ? settings.transport_guard : MakeGuard(connections_)),
      resources_(settings.resources),
      authenticator_(settings.authenticator),
      audit_log_(settings.audit_log),
      answer_cache_(std::make_shared<AnswerCache>(settings.answer_cache_bytes)),
      store_(settings.store != nullptr ? std::move(settings.store) : std::make_unique<MemoryStore>(settings.history)),
      registry_(MakeRegistrySettings(settings, answer_cache_), *store_),
      server_(Start(settings.call_log, settings.reflection)),
      client_(NewClient("")),
      channel_(grpc::CreateChannel(address(), grpc::InsecureChannelCredentials())) {}

client::Client TestServer::NewClient(const std::string& tenant, absl::Duration timeout) const {
  client::ClientOptions options;
  options.server = address();
  options.tenant = tenant;
  options.timeout = timeout;
  options.service_config = "";  // no retries, so that tests see every answer
  return client::Client(options);
}

std::unique_ptr<Server> TestServer::Start(const CallLogSettings& call_log, bool reflection) {
  ServerSettings settings;
  settings.listen = listen_;
  settings.limits = limits_;
  settings.clock = clock_;
  settings.credentials = credentials_;
  settings.connections = connections_;
  settings.handshake_timeout = handshake_timeout_;
  settings.uses_tls = uses_tls_;
  settings.in_flight_calls = in_flight_calls_;
  settings.transport_guard = transport_guard_;
  settings.log = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
  SetLogForm(*settings.log, call_log.form);
  settings.connection_log = std::make_shared<LimitedLog>(EventLog(*settings.log, call_log.form));
  settings.call_log = call_log;
  settings.reflection = reflection;
  settings.metrics = metrics_;
  settings.resources = resources_;
  settings.authenticator = authenticator_;
  settings.audit_log = audit_log_;
  settings.answer_cache = answer_cache_;
  return Server::Start(settings, registry_).value();
}

std::string TestServer::address() const {
  return server_->port() == 0 ? listen_ : absl::StrCat(listen_.substr(0, listen_.rfind(':') + 1), server_->port());
}

grpc::Status TestServer::CallWithBytes(const std::string& method, absl::string_view request, const std::string& service,
                                       std::string* response) {
  const grpc::Slice slice(request.data(), request.size());
  const grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer received;
  grpc::ClientContext context;
  const std::string path = "/qconfig.v1." + service + "/" + method;
  const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC, channel_);
  grpc::Status status = grpc::internal::BlockingUnaryCall(channel_.get(), rpc, &context, sent, &received);
  grpc::Slice bytes;
  if (response != nullptr && status.ok() && received.DumpToSingleSlice(&bytes).ok()) {
    response->assign(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  }
  return status;
}

std::string TestServer::AnswerTo(const v1::GetConfigRequest& request) {
  std::string answer;
  CallWithBytes("GetConfig", request.SerializeAsString(), "ConfigService", &answer);
  return answer;
}

std::string ReceivedReasonAndField(const absl::Status& status) {
  if (status.ok()) return "OK";
  const v1::ItemError error = client::ErrorOf(status);
  const auto field = error.metadata().find("field");
  return absl::StrCat(client::ReasonName(error.reason()),
                      field == error.metadata().end() ? "" : " at " + field->second);
}

}  // namespace qconfig
