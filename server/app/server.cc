// SPDX-License-Identifier: Apache-2.0
#include "server/app/server.h"

#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "server/app/close_connections.h"
#include "server/app/service_handlers.h"
#include "server/base/limited_log.h"
#include "server/rpc/acceptor.h"
#include "server/rpc/listening_sockets.h"
#include "server/rpc/run_as_call.h"

namespace qconfig {
namespace {

// A tenant that is never written to, so that reading it always reads the store. No caller knows its name, and so could
// use up what the tenant may use.
std::string NewSelfCheckTenant() {
  absl::BitGen random;
  return absl::StrCat("qconfig-self-check-", absl::Hex(absl::Uniform<uint64_t>(random), absl::kZeroPad16));
}

const google::protobuf::ServiceDescriptor* ConfigServiceDescriptor() {
  return v1::GetConfigRequest::descriptor()->file()->FindServiceByName("ConfigService");
}

const google::protobuf::ServiceDescriptor* RegistryServiceDescriptor() {
  return v1::RegisterSchemeRequest::descriptor()->file()->FindServiceByName("RegistryService");
}

int ToMilliseconds(absl::Duration time) {
  return static_cast<int>(std::min<int64_t>(absl::ToInt64Milliseconds(time), std::numeric_limits<int>::max()));
}

// How long a peer may leave a ping or other bytes unacknowledged.
constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(20);

void ConfigureConnections(const ServerSettings& settings, absl::Duration max_wait, grpc::ServerBuilder& builder) {
  // By default gRPC closes connections of clients that ping often, as they must behind some proxies.
  constexpr int kMinPingIntervalMs = 10'000;
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // A peer that disappeared is detected after the sum of these two times. By default gRPC stops pinging after two
  // pings.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, ToMilliseconds(settings.keepalive));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ToMilliseconds(kKeepaliveTimeout));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Clients reconnect and so find servers that were added. The grace time is enough for the slowest call.
  if (settings.max_connection_age > absl::ZeroDuration()) {
    const absl::Duration age_grace = std::max(absl::Minutes(5), max_wait + absl::Minutes(1));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, ToMilliseconds(settings.max_connection_age));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, ToMilliseconds(age_grace));
  }
  // Further calls of a connection wait in the client. RFC 9113 recommends at least 100.
  constexpr int kMaxStreams = 100;
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  // What gRPC reads from one connection before it turns to the next. The default of 4 MiB takes milliseconds.
  constexpr int kMaxReadBytes = 64 << 10;
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, kMaxReadBytes);
  // gRPC closes connections that have sent no settings of HTTP/2 by then. The default is two minutes.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, ToMilliseconds(settings.handshake_timeout));
}

// gRPC's own limits reject calls without a reason, so they are far above ours.
void ConfigureResources(const ServerSettings& settings, grpc::ServerBuilder& builder) {
  // A thread for each call that is handled or sent, and threads that reject further calls.
  constexpr size_t kRejectingThreads = 1000;
  grpc::ResourceQuota quota("qconfigd");
  quota.SetMaxThreads(static_cast<int>(2 * settings.in_flight_calls->max_calls() + kRejectingThreads));
  builder.SetResourceQuota(quota);
}

void ConfigureMessages(const ServerSettings& settings, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(Server::MaxReceivedBytes(settings.limits)));
  // gRPC checks the size of a compressed message only after decompressing it, possibly to a thousand times its size.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  // GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION stays on: without that filter, rejected calls are handled all the same.
  // The counters of channelz cost about 2 % CPU, and no service exposes them.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
}

absl::Status CannotListen(const ServerSettings& settings, const absl::Status& status) {
  return absl::UnavailableError(absl::StrCat("cannot listen on ", settings.listen, ": ", status.message()));
}

Acceptor::HandOver HandOverTo(grpc::experimental::ExternalConnectionAcceptor& connections) {
  return [&connections](int fd) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = fd;
    connections.HandleNewConnection(&connection);
  };
}

}  // namespace

// gRPC rejects requests without a reason, so requests slightly above the limit are left to UnaryDispatcher.
size_t Server::MaxReceivedBytes(const Limits& limits) {
  return std::min<size_t>(2 * limits.message_bytes, std::numeric_limits<int>::max());
}

HandlerTable Server::Handlers(const ServerSettings& settings) {
  HandlerTable handlers = ServiceHandlers(config_service_, registry_service_, settings.answer_cache);
  health_.AddTo(handlers);
  if (settings.reflection) reflection_.AddTo(handlers);  // last, because it describes all services in the table
  return handlers;
}

Server::Server(const ServerSettings& settings, Registry& registry)
    : credentials_(settings.credentials),
      registry_(registry),
      config_service_(registry, settings.limits, settings.clock, settings.resources.turns),
      registry_service_(registry, CallAudit(settings.audit_log, settings.clock)),
      observer_(settings.metrics, settings.log, settings.call_log),
      in_flight_calls_(settings.in_flight_calls),
      transport_guard_(settings.transport_guard),
      clock_(settings.clock),
      self_check_tenant_(NewSelfCheckTenant()),
      health_({ConfigServiceDescriptor()->full_name(), RegistryServiceDescriptor()->full_name()},
              [pressure = settings.resources.pressure] { return pressure->Admit(MemoryPressure::Work::kLarge); }),
      transport_(Handlers(settings), settings.limits.message_bytes, observer_, settings.clock, in_flight_calls_,
                 settings.resources, settings.authenticator, CallAudit(settings.audit_log, settings.clock)) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerSettings& settings, Registry& registry) {
  std::unique_ptr<Server> server(new Server(settings, registry));
  grpc::ServerBuilder builder;
  ConfigureMessages(settings, builder);
  ConfigureConnections(settings, registry.max_wait(), builder);
  ConfigureResources(settings, builder);
  settings.transport_guard->AddTo(builder);
  auto sockets = ListeningSockets::Open(settings.listen, kKeepaliveTimeout);
  if (!sockets.ok()) return CannotListen(settings, sockets.status());
  server->connections_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, settings.credentials);
  builder.RegisterService(&server->transport_.service());
  server->queue_ = std::make_unique<CallQueue>(builder.AddCompletionQueue());
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr) return absl::UnavailableError("gRPC cannot start");
  server->workers_ = std::make_unique<WorkerThreads>(settings.in_flight_calls->max_calls());
  server->transport_.Serve(*server->queue_, *server->workers_);
  server->queue_->Start();
  server->port_ = sockets->port();
  Acceptor::Settings accepting;
  accepting.first_bytes_timeout = settings.handshake_timeout;
  accepting.sees_calls = settings.transport_guard->reports_progress() && server->IsGuarded();
  accepting.limits_handshakes = settings.uses_tls && accepting.sees_calls;
  accepting.log = settings.connection_log;
  auto acceptor = Acceptor::Start(*std::move(sockets), HandOverTo(*server->connections_), *settings.connections,
                                  std::move(accepting));
  if (!acceptor.ok()) return CannotListen(settings, acceptor.status());
  server->acceptor_ = *std::move(acceptor);
  return server;
}

Server::~Server() {
  if (server_ != nullptr) Shutdown(absl::ZeroDuration());
}

absl::Status Server::CheckReceiving() { return WaitForQueue(*queue_); }

// Not through a channel: see server/DECISIONS.md.
absl::Status Server::CheckCalls() {
  return RunAsCall(*queue_, *in_flight_calls_, workers_, [this] {
    constexpr absl::Duration kMaxTime = absl::Seconds(5);
    CallContext call;
    call.deadline = clock_.Steady() + kMaxTime;
    call.is_cancelled = [] { return false; };
    const Catalog& catalog = *registry_.catalogs().front();
    v1::GetConfigRequest request;
    request.set_tenant(self_check_tenant_);
    request.set_catalog(catalog.name());
    request.mutable_spec()->set_model_type(catalog.templates().front().model_type());
    request.mutable_spec()->set_scheme(catalog.schemes().front().name());
    if (const absl::Status read = config_service_.GetConfig(call, request).status(); !read.ok()) return read;
    call.notes->turn.End();
    const absl::StatusOr<TenantId> tenant = TenantId::Parse(self_check_tenant_, "tenant");
    if (!tenant.ok()) return tenant.status();
    const WriteOrder order{*tenant, "", "", "", /*validate_only=*/true, call.deadline, /*peer=*/"", /*caller=*/""};
    return registry_.Write(order, [](const RegistrationContext&) { return v1::RegistryChange(); }).status();
  });
}

void Server::ReportReads(bool succeed) {
  health_.Report("", succeed, *queue_);
  health_.Report(ConfigServiceDescriptor()->full_name(), succeed, *queue_);
}

void Server::ReportWrites(bool succeed) { health_.Report(RegistryServiceDescriptor()->full_name(), succeed, *queue_); }

void Server::ReportNotServing() { health_.ReportNotServing(*queue_); }

size_t Server::Shutdown(absl::Duration grace) {
  if (std::exchange(is_shut_down_, true)) return 0;
  // For the last bytes of responses. On Unix sockets, open streams of health watchers always use all of this time.
  const absl::Duration sending = std::min(grace, absl::Milliseconds(250));
  ReportNotServing();
  registry_.StopWaiting();
  const size_t left = in_flight_calls_->Drain(grace);
  // gRPC ends calls that arrive during its own shutdown with CANCELLED, which clients do not retry. On a connection
  // that is closed, they are UNAVAILABLE.
  acceptor_.reset();
  CloseAcceptedConnections(port_, sending);
  server_->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                 gpr_time_from_micros(absl::ToInt64Microseconds(sending), GPR_TIMESPAN)));
  server_->Wait();
  queue_->Stop();
  workers_.reset();
  return left;
}

}  // namespace qconfig
