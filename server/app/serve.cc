// SPDX-License-Identifier: Apache-2.0
#include "server/app/serve.h"

#include <grpcpp/grpcpp.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "server/admin/admin_server.h"
#include "server/admin/readiness.h"
#include "server/app/admin_token.h"
#include "server/app/exit_codes.h"
#include "server/app/memory_monitor.h"
#include "server/app/self_checks.h"
#include "server/app/serve_metrics.h"
#include "server/app/server.h"
#include "server/app/shutdown_request.h"
#include "server/app/shutdown_signals.h"
#include "server/app/shutdown_watchdog.h"
#include "server/auth/audit_log.h"
#include "server/auth/authenticator.h"
#include "server/auth/policy_file.h"
#include "server/base/event_log.h"
#include "server/base/limited_log.h"
#include "server/base/processors.h"
#include "server/observe/damage_log.h"
#include "server/observe/disk_usage.h"
#include "server/observe/grpc_log.h"
#include "server/observe/log.h"
#include "server/observe/metrics.h"
#include "server/options/command_line.h"
#include "server/registry/registry.h"
#include "server/registry/storage/observed_store.h"
#include "server/registry/storage/open_store.h"
#include "server/rpc/connection_table.h"
#include "server/rpc/in_flight_calls.h"
#include "server/tls/certificates.h"
#include "server/tls/credentials.h"

namespace qconfig {
namespace {

// The objects that all parts of a serving process use.
struct Process {
  const Options& options;
  const Catalogs& catalogs;
  std::shared_ptr<spdlog::logger> log;
  EventLog events;
  std::shared_ptr<LimitedLog> limited_events;  // that peers can cause
  std::shared_ptr<ShutdownRequest> shutdown;
};

RegistrySettings MakeRegistrySettings(const Process& process, const std::shared_ptr<AnswerCache>& answer_cache,
                                      const std::shared_ptr<MemoryPressure>& pressure,
                                      const std::shared_ptr<Metrics>& metrics) {
  const Options& options = process.options;
  RegistrySettings settings;
  settings.catalogs = process.catalogs;
  settings.default_catalog = options.default_catalog;
  settings.limits = options.limits;
  settings.cache_bytes = options.cache_bytes;
  // The other half is for calls that need not wait. If the disk hangs, the server still answers them from memory.
  settings.max_waiting_calls = std::max<size_t>(1, options.max_in_flight / 2);
  settings.max_writing_calls = settings.max_waiting_calls;
  settings.max_history_age = absl::Hours(24 * options.history_days);
  settings.max_tenants = options.max_tenants;
  settings.on_history_paused = [events = process.events](const std::string& why) {
    events.Warn("history is not removed by age for 24 hours", {{"detail", why}});
  };
  settings.on_change = [answer_cache](const TenantId& tenant) { answer_cache->Forget(tenant); };
  settings.on_stored = [metrics](const TenantId& tenant, int64_t bytes) {
    metrics->calls().SetTenantBytes(tenant.name(), bytes);
  };
  settings.admit_load = [pressure] { return pressure->Admit(MemoryPressure::Work::kLarge); };
  return settings;
}

// Null if the options turn TLS off.
absl::StatusOr<std::shared_ptr<const TlsCertificates>> OpenCertificates(const Process& process) {
  const Options& options = process.options;
  if (options.tls_cert.empty()) return nullptr;
  return TlsCertificates::Open({options.tls_cert, options.tls_key, options.tls_client_ca}, Clock(), process.events);
}

// Null without an audit log.
absl::StatusOr<std::shared_ptr<AuditLog>> OpenAuditLog(const Process& process) {
  const std::string& path = process.options.audit_log;
  if (path.empty()) return nullptr;
  auto log = AuditLog::Open(path, process.events);
  if (!log.ok()) return absl::FailedPreconditionError(absl::StrCat("the audit log ", log.status().message()));
  return std::shared_ptr<AuditLog>(*std::move(log));
}

// Null without a policy. Sets `authenticator`, whose policy follows the file.
absl::StatusOr<std::unique_ptr<PolicyFile>> OpenPolicy(const Process& process, const std::shared_ptr<AuditLog>& log,
                                                       std::shared_ptr<Authenticator>& authenticator) {
  const std::string& path = process.options.auth_policy;
  if (path.empty()) return nullptr;
  authenticator = std::make_shared<Authenticator>(Clock());
  const auto set = [authenticator](std::shared_ptr<const Policy> policy) {
    authenticator->SetPolicy(std::move(policy));
  };
  return PolicyFile::Open(path, Clock(), process.events, set, PolicyFile::kInterval, log);
}

// The limit on open files of this process.
size_t MaxFiles() {
  rlimit files = {};
  constexpr size_t kUsual = 1024;
  return getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : kUsual;
}

// Connections leave file descriptors to the registry, the admin port, gRPC and the log.
ConnectionLimits LimitsOfConnections(const Process& process) {
  constexpr size_t kOtherFiles = 100;
  constexpr size_t kMostByDefault = 10'000;
  const Options& options = process.options;
  const size_t files = MaxFiles();
  const size_t possible = std::max(files - std::min(kOtherFiles, files), files / 2);
  if (options.max_connections > possible) {
    process.events.Warn("configuration warning",
                        {{"detail", absl::StrCat("--max-connections is reduced to ", possible,
                                                 ", because the process may open only ", files, " files")}});
  }
  ConnectionLimits limits;
  limits.total = std::min(options.max_connections == 0 ? kMostByDefault : options.max_connections, possible);
  limits.per_peer = options.max_connections_per_peer == 0 ? (limits.total + 1) / 2 : options.max_connections_per_peer;
  return limits;
}

std::shared_ptr<TransportGuard> MakeTransportGuard(const Process& process,
                                                   const std::shared_ptr<ConnectionTable>& connections) {
  TransportGuard::Settings settings;
  settings.http2.message_bytes = Server::MaxReceivedBytes(process.options.limits);
  settings.on_end = [log = process.limited_events](absl::string_view peer, absl::string_view reason) {
    log->Warn("connection ended", {{"peer", peer}, {"reason", reason}});
  };
  settings.on_established = [connections](int fd) { connections->MarkEstablished(fd); };
  settings.on_first_call = [connections](int fd) { connections->MarkActive(fd); };
  return std::make_shared<TransportGuard>(std::move(settings));
}

// Of the memory limit, if there is one, large requests get a quarter and answers in transmission another. The rest is
// for the caches, and for what requests need beyond the estimate.
size_t AtMostAQuarter(size_t bytes, size_t max_memory) {
  return max_memory == 0 ? bytes : std::min(bytes, max_memory / 4);
}

// Whether metrics may name tenants: names are a secret only if there is a policy.
bool MayNameTenants(const Options& options) {
  return options.auth_policy.empty() || IsLoopback(options.admin_listen) || !options.admin_token_file.empty();
}

ServerSettings MakeServerSettings(const Process& process) {
  const Options& options = process.options;
  ServerSettings settings;
  settings.listen = options.listen;
  settings.limits = options.limits;
  settings.log = process.log;
  settings.connection_log = process.limited_events;
  settings.connections = std::make_shared<ConnectionTable>(LimitsOfConnections(process));
  settings.call_log = {LogFormOf(options), options.log_sample, absl::Milliseconds(options.log_slow_ms)};
  settings.metrics = std::make_shared<Metrics>(MayNameTenants(options) ? options.metrics_tenants : 0);
  const size_t max_memory = ResolveMaxMemory(options);
  settings.in_flight_calls = std::make_shared<InFlightCalls>(
      options.max_in_flight, AtMostAQuarter(4 * options.limits.answer_bytes, max_memory));
  settings.answer_cache = std::make_shared<AnswerCache>(options.answer_cache_bytes);
  settings.transport_guard = MakeTransportGuard(process, settings.connections);
  settings.reflection = ResolveReflection(options);
  // The other calls are for those that need not wait.
  const size_t max_waiting = std::max<size_t>(1, options.max_in_flight - options.max_in_flight / 4);
  settings.resources.budget =
      std::make_shared<MemoryBudget>(AtMostAQuarter(options.request_memory_bytes, max_memory), max_waiting);
  settings.resources.pressure = std::make_shared<MemoryPressure>(max_memory);
  settings.keepalive = absl::Seconds(options.keepalive_seconds);
  settings.max_connection_age = absl::Seconds(options.max_connection_age_seconds);
  return settings;
}

std::string VersionJson(const Catalogs& catalogs) {
  nlohmann::json version = {{"version", QCONFIG_VERSION}, {"catalogs", nlohmann::json::array()}};
  for (const auto& catalog : catalogs) {
    version["catalogs"].push_back({{"name", catalog->name()}, {"digest", catalog->digest()}});
  }
  return version.dump();
}

// Fails if the token of the admin port cannot be read.
absl::StatusOr<AdminHandlers> MakeAdminHandlers(const Process& process, Readiness& readiness,
                                                std::shared_ptr<Metrics> metrics) {
  AdminHandlers handlers;
  handlers.ready = [&readiness](absl::string_view check) {
    return check.empty() ? readiness.Ready() : readiness.Ready(check);
  };
  handlers.metrics = [metrics = std::move(metrics)] { return metrics->Text(); };
  if (const std::string& file = process.options.admin_token_file; !file.empty()) {
    if (const auto token = ReadAdminToken(file); !token.ok()) return token.status();
    handlers.may_read_metrics = [file, log = process.limited_events](absl::string_view authorization) {
      return HasAdminToken(file, authorization, *log);
    };
  }
  handlers.version = VersionJson(process.catalogs);
  return handlers;
}

// Null if the options turn the admin port off.
absl::StatusOr<std::unique_ptr<AdminServer>> StartAdmin(const Process& process, AdminHandlers handlers) {
  const std::string& listen = process.options.admin_listen;
  if (listen.empty()) return nullptr;
  auto admin = AdminServer::Start(listen, std::move(handlers), process.events);
  if (admin.ok()) process.events.Info(absl::StrCat("admin port on ", listen, " (port ", (*admin)->port(), ")"));
  return admin;
}

// Each connection takes a file descriptor. The usual soft limit is low because of programs that use select().
void RaiseFileLimit() {
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// Starts as many threads as the server needs at start-up, and ends them. Throws std::system_error if it cannot;
// libraries that cannot start a thread abort the process.
void CheckThreadLimit() {
  constexpr size_t kAtStart = 40;
  absl::Notification tried;
  std::vector<std::thread> threads;
  const absl::Cleanup end = [&] {
    tried.Notify();
    for (std::thread& thread : threads) thread.join();
  };
  while (threads.size() < kAtStart) threads.emplace_back([&tried] { tried.WaitForNotification(); });
}

void PrepareProcess() {
  // Makes the allocator return the memory of large requests to the system. Otherwise it fragments after a burst.
  mallopt(M_MMAP_THRESHOLD, 64 << 10);
  // The allocator has an arena for each of many threads by default, and the free memory of one is of no use to another.
  // Only the first one grows by more than a page at once, which is why there are fewer than processors: a thread that
  // receives calls would wait for others that grow the memory they share.
  mallopt(M_ARENA_MAX, std::max(1, static_cast<int>(Processors() / 2)));
  mallopt(M_TOP_PAD, 4 << 20);
  // Debian's Abseil checks for deadlocks whenever a mutex is locked, gRPC's too. The tests keep these checks.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::signal(SIGHUP, SIG_IGN);
  RaiseFileLimit();
  CheckThreadLimit();
}

void LogGuard(const Process& process, const Server& server) {
  if (server.IsGuarded()) return;
  process.events.Warn("transport guard inactive",
                      {{"grpc", grpc::Version()}, {"detail", "this build of qconfigd does not limit HTTP/2 frames"}});
}

// Tools and tests read the port from this line.
void LogListening(const Process& process, int port, const std::string& storage) {
  const Options& options = process.options;
  if (const std::string exposure = InsecureExposureWarning(options); !exposure.empty()) {
    process.events.Warn("configuration warning", {{"detail", exposure}});
  }
  process.events.Info(
      absl::StrCat("qconfigd ", QCONFIG_VERSION, " listening on ", options.listen, " (port ", port, ")"),
      {{"storage", storage}});
}

// Serves until a shutdown is requested, then shuts down gracefully. Returns the exit code.
int ServeUntilShutdown(const Process& process, Server& server, const InFlightCalls& in_flight_calls,
                       Readiness& readiness) {
  const Options& options = process.options;
  const ShutdownCause cause = process.shutdown->Wait();
  readiness.Drain();
  server.ReportNotServing();
  process.events.Info("shutting down", {{"cause", ShutdownCauseName(cause)},
                                        {"delay_s", options.shutdown_delay_seconds},
                                        {"in_flight", in_flight_calls.running()}});
  absl::SleepFor(absl::Seconds(options.shutdown_delay_seconds));
  process.events.Info("draining",
                      {{"in_flight", in_flight_calls.running()}, {"grace_s", options.shutdown_grace_seconds}});
  const size_t cancelled = server.Shutdown(absl::Seconds(options.shutdown_grace_seconds));
  if (cancelled == 0) {
    process.events.Info("shut down", {{"cancelled", 0}});
  } else {
    process.events.Warn("shut down", {{"cancelled", cancelled}});
  }
  return ExitCodeOf(cancelled);
}

// Starts the server, serves until a shutdown is requested, and returns the exit code. Fails if the server cannot start.
absl::StatusOr<int> Run(const Process& process, ShutdownWatchdog& watchdog) {
  const Options& options = process.options;
  const auto certificates = OpenCertificates(process);
  if (!certificates.ok()) return certificates.status();
  ServerSettings settings = MakeServerSettings(process);
  auto audit_log = OpenAuditLog(process);
  if (!audit_log.ok()) return audit_log.status();
  settings.audit_log = *std::move(audit_log);
  const auto policy = OpenPolicy(process, settings.audit_log, settings.authenticator);
  if (!policy.ok()) return policy.status();
  if (*certificates != nullptr) {
    settings.credentials =
        TlsCredentials(*certificates, options.tls_client_auth == "require" ? ClientCertificates::kRequired
                                                                           : ClientCertificates::kOptional);
    settings.uses_tls = true;
  }
  const std::string storage = *ResolveStorage(options);
  DiskUsage disk(storage);
  DamageLog damage_log(process.events, storage);
  Readiness readiness;
  AddServeMetrics({options, process.catalogs, *settings.connections, *settings.in_flight_calls,
                   *settings.transport_guard, settings.resources, *settings.answer_cache, readiness, disk, damage_log,
                   *certificates, policy->get(), settings.audit_log},
                  *settings.metrics);
  auto handlers = MakeAdminHandlers(process, readiness, settings.metrics);
  if (!handlers.ok()) return handlers.status();
  auto admin = StartAdmin(process, *std::move(handlers));
  if (!admin.ok()) return admin.status();

  auto store = OpenStore(
      storage, {options.history_changes, options.history_bytes, options.tenant_disk_bytes},
      [&process](const std::string& text) {
        process.events.Warn("new epoch", {{"detail", text}});
      },
      [&damage_log](const std::string& what) { damage_log.Report(what); });
  if (!store.ok()) return store.status();
  ObservedStore observed_store(
      *std::move(store), [metrics = settings.metrics](const auto&... report) { metrics->store().Finished(report...); });
  Registry registry(MakeRegistrySettings(process, settings.answer_cache, settings.resources.pressure, settings.metrics),
                    observed_store);
  watchdog.Watch(settings.in_flight_calls);
  const auto server = Server::Start(settings, registry);
  if (!server.ok()) return server.status();
  LogGuard(process, **server);
  LogListening(process, (*server)->port(), storage);

  const absl::Cleanup end_admin = [&] {
    readiness.Stop();
    admin->reset();  // its metrics read objects that are destroyed next
  };
  const MemoryMonitor monitor(settings.resources.pressure, process.events,
                              {[&] {
                                 registry.ClearCache();
                                 settings.answer_cache->Halve();
                               },
                               [&] { settings.in_flight_calls->CancelUnread(); }});
  AddRegistryMetrics(&registry, &observed_store, *settings.metrics);
  readiness.Serve(MakeSelfChecks(**server, registry, disk, process.events));
  return ServeUntilShutdown(process, **server, *settings.in_flight_calls, readiness);
}

}  // namespace

int Serve(const Options& options, const Catalogs& catalogs) {
  PrepareProcess();
  const auto log = StartLog(options);
  const EventLog events(*log, LogFormOf(options));
  const Process process = {
      options, catalogs, log, events, std::make_shared<LimitedLog>(events), std::make_shared<ShutdownRequest>()};
  ReadGrpcLog(process.limited_events);
  PassShutdownSignalsTo(process.shutdown);
  constexpr absl::Duration kCancelling = absl::Seconds(2);
  ShutdownWatchdog watchdog(
      process.shutdown, process.events,
      absl::Seconds(options.shutdown_delay_seconds) + absl::Seconds(options.shutdown_grace_seconds) + kCancelling);
  for (const std::string& text : UnknownVariables()) {
    process.events.Warn("configuration warning", {{"detail", text}});
  }
  const absl::StatusOr<int> exit_code = Run(process, watchdog);
  if (exit_code.ok()) return *exit_code;
  process.events.Critical("cannot start", {{"error", exit_code.status().message()}});
  return kFailed;
}

}  // namespace qconfig
