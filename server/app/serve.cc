// SPDX-License-Identifier: Apache-2.0
#include "server/app/serve.h"

#include <grpcpp/grpcpp.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <functional>
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
#include "core/builtin_catalogs.h"
#include "server/admin/admin_server.h"
#include "server/admin/readiness.h"
#include "server/app/serve_metrics.h"
#include "server/app/server.h"
#include "server/app/shutdown_signals.h"
#include "server/observe/disk_usage.h"
#include "server/observe/log.h"
#include "server/observe/metrics.h"
#include "server/options/command_line.h"
#include "server/registry/registry.h"
#include "server/registry/storage/observed_store.h"
#include "server/registry/storage/open_store.h"
#include "server/rpc/in_flight_calls.h"
#include "server/tls/certificates.h"
#include "server/tls/credentials.h"

namespace qconfig {
namespace {

absl::StatusOr<RegistrySettings> RegistrySettingsOf(const Options& options) {
  auto catalogs = LoadBuiltinCatalogs();
  if (!catalogs.ok()) return absl::InternalError("broken catalogue data: " + std::string(catalogs.status().message()));
  RegistrySettings settings;
  settings.catalogs = *std::move(catalogs);
  settings.default_catalog = options.default_catalog;
  settings.limits = options.limits;
  settings.cache_bytes = options.cache_bytes;
  // The other half is for who need not wait: on a disk that hangs, reads are answered from memory.
  settings.max_waiting_calls = std::max<size_t>(1, options.max_in_flight / 2);
  settings.max_writing_calls = settings.max_waiting_calls;
  return settings;
}

// Null without TLS.
absl::StatusOr<std::shared_ptr<const TlsCertificates>> CertificatesOf(const Options& options,
                                                                      const std::shared_ptr<spdlog::logger>& log) {
  if (options.tls_cert.empty()) return nullptr;
  return TlsCertificates::Open({options.tls_cert, options.tls_key, options.tls_client_ca}, absl::Now, log);
}

ServerSettings ServerSettingsOf(const Options& options, const std::shared_ptr<spdlog::logger>& log) {
  ServerSettings settings;
  settings.listen = options.listen;
  settings.limits = options.limits;
  settings.log = log;
  settings.call_log = {LogFormOf(options), options.log_sample, absl::Milliseconds(options.log_slow_ms)};
  settings.metrics = std::make_shared<Metrics>(options.metrics_tenants);
  settings.in_flight_calls = std::make_shared<InFlightCalls>(options.max_in_flight, 4 * options.limits.answer_bytes);
  settings.answer_cache = std::make_shared<AnswerCache>(options.answer_cache_bytes);
  settings.keepalive = absl::Seconds(options.keepalive_seconds);
  settings.max_connection_age = absl::Seconds(options.max_connection_age_seconds);
  return settings;
}

std::string VersionJson(const std::vector<std::shared_ptr<const Catalog>>& catalogs) {
  nlohmann::json version = {
      {"version", QCONFIG_VERSION}, {"grpc", grpc::Version()}, {"catalogs", nlohmann::json::array()}};
  for (const auto& catalog : catalogs) {
    version["catalogs"].push_back({{"name", catalog->name()}, {"digest", catalog->digest()}});
  }
  return version.dump();
}

AdminHandlers HandlersOf(Readiness& readiness, std::shared_ptr<Metrics> metrics,
                         const std::vector<std::shared_ptr<const Catalog>>& catalogs) {
  AdminHandlers handlers;
  handlers.ready = [&readiness] { return readiness.Check(); };
  handlers.metrics = [metrics = std::move(metrics)] { return metrics->Text(); };
  handlers.version = VersionJson(catalogs);
  return handlers;
}

// Null when there is to be no admin port.
absl::StatusOr<std::unique_ptr<AdminServer>> StartAdmin(const Options& options, AdminHandlers handlers,
                                                        const std::shared_ptr<spdlog::logger>& log) {
  if (options.admin_listen.empty()) return nullptr;
  auto admin = AdminServer::Start(options.admin_listen, std::move(handlers), log);
  if (admin.ok()) log->info("admin port on {} (port {})", options.admin_listen, (*admin)->port());
  return admin;
}

// Each connection takes a file, and the usual limit is low for the sake of programs with select().
void RaiseFileLimit() {
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

// Starts as many threads as the start is about to take, and ends them: libraries that get none abort the process.
void TryThreads() {
  constexpr size_t kAtStart = 40;
  absl::Notification tried;
  std::vector<std::thread> threads;
  const absl::Cleanup end = [&] {
    tried.Notify();
    for (std::thread& thread : threads) thread.join();
  };
  while (threads.size() < kAtStart) threads.emplace_back([&tried] { tried.WaitForNotification(); });
}

// Looks at the store, and logs when it fails and when it is well again.
std::function<absl::Status()> StoreCheck(const Registry& registry, DiskUsage& disk,
                                         std::shared_ptr<spdlog::logger> log) {
  return [&registry, &disk, log = std::move(log), was_ok = true]() mutable {
    disk.Look();
    absl::Status status = registry.Revisions(TenantId::Default()).status();
    if (was_ok && !status.ok()) log->error("not ready: storage: {}", std::string(status.message()));
    if (!was_ok && status.ok()) log->info("ready again");
    was_ok = status.ok();
    return status;
  };
}

// Serves until the first signal, and then ends. Returns the exit code.
int ServeUntilSignal(const Options& options, Server& server, const std::shared_ptr<InFlightCalls>& in_flight_calls,
                     Readiness& readiness, ShutdownSignals& signals, spdlog::logger& log) {
  const char* const name = signals.Wait() == SIGTERM ? "SIGTERM" : "SIGINT";
  readiness.Drain();
  server.ReportNotServing();
  log.info("ending on {}: not ready any more, still taking calls for {} s; {} are running", name,
           options.shutdown_delay_seconds, in_flight_calls->running());
  absl::SleepFor(absl::Seconds(options.shutdown_delay_seconds));
  log.info("calls are refused; {} are running and have {} s", in_flight_calls->running(),
           options.shutdown_grace_seconds);
  const size_t cancelled = server.Shutdown(absl::Seconds(options.shutdown_grace_seconds));
  if (cancelled == 0) {
    log.info("ended, every call finished");
  } else {
    log.warn("ended, {} calls were cancelled", cancelled);
  }
  if (GrpcPortLost()) return kCannotStart;
  return cancelled == 0 ? kEnded : kCallsCancelled;
}

}  // namespace

int Serve(const Options& options) {
  // Else what gRPC takes to receive large requests stays with the process, in pieces, when a flood of them is over.
  mallopt(M_MMAP_THRESHOLD, 64 << 10);
  // Debian's abseil looks for deadlocks whenever a mutex is locked, gRPC's too. Tests of the server still do.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::signal(SIGHUP, SIG_IGN);
  RaiseFileLimit();
  TryThreads();
  const auto log = StartLog(options);
  constexpr absl::Duration kCancelling = absl::Seconds(2);
  ShutdownSignals signals(
      log, absl::Seconds(options.shutdown_delay_seconds) + absl::Seconds(options.shutdown_grace_seconds) + kCancelling);
  const auto cannot_start = [&log](const absl::Status& why) {
    log->critical("{}", std::string(why.message()));
    return kCannotStart;
  };
  for (const std::string& text : UnknownVariables()) log->warn("{}", text);

  auto registry_settings = RegistrySettingsOf(options);
  if (!registry_settings.ok()) return cannot_start(registry_settings.status());
  const auto certificates = CertificatesOf(options, log);
  if (!certificates.ok()) return cannot_start(certificates.status());
  ServerSettings settings = ServerSettingsOf(options, log);
  if (*certificates != nullptr) settings.credentials = TlsCredentials(*certificates);
  registry_settings->on_change = [cache = settings.answer_cache](const TenantId& tenant) { cache->Forget(tenant); };
  const std::string storage = *StorageOf(options);
  DiskUsage disk(storage);
  Readiness readiness;
  AddServeMetrics({options, registry_settings->catalogs, *settings.in_flight_calls, *settings.answer_cache, readiness,
                   disk, *certificates},
                  *settings.metrics);
  auto admin = StartAdmin(options, HandlersOf(readiness, settings.metrics, registry_settings->catalogs), log);
  if (!admin.ok()) return cannot_start(admin.status());

  auto store = OpenStore(storage, {options.history_changes, absl::Hours(24 * options.history_days)},
                         [&log](const std::string& text) { log->warn("{}", text); });
  if (!store.ok()) return cannot_start(store.status());
  ObservedStore observed_store(*std::move(store),
                               [metrics = settings.metrics](auto... report) { metrics->store().Finished(report...); });
  Registry registry(*std::move(registry_settings), observed_store);
  signals.Watch(settings.in_flight_calls);
  const auto server = Server::Start(settings, registry);
  if (!server.ok()) return cannot_start(server.status());
  if (const std::string open = InsecureExposureWarning(options); !open.empty()) log->warn("{}", open);
  log->info("qconfigd {} listening on {} (port {}), storage {}", QCONFIG_VERSION, options.listen, (*server)->port(),
            storage);

  const absl::Cleanup end_admin = [&] {
    readiness.Stop();
    admin->reset();  // its metrics look at what is destroyed next
  };
  AddRegistryMetrics(&registry, &observed_store, *settings.metrics);
  readiness.Serve(StoreCheck(registry, disk, log));
  return ServeUntilSignal(options, **server, settings.in_flight_calls, readiness, signals, *log);
}

}  // namespace qconfig
