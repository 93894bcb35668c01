// SPDX-License-Identifier: Apache-2.0
#include "server/serve.h"

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "core/builtin_catalogs.h"
#include "server/command_line.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/registry.h"
#include "server/serve_metrics.h"
#include "server/server.h"
#include "server/storage/observed_store.h"
#include "server/storage/open_store.h"
#include "server/tls_certificates.h"
#include "server/tls_credentials.h"

namespace qconfig {
namespace {

// Blocks the signals that end the server in this thread and those it starts, so that WaitForEnd() gets them.
sigset_t BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

absl::StatusOr<RegistrySettings> RegistrySettingsOf(const Options& options) {
  auto catalogs = LoadBuiltinCatalogs();
  if (!catalogs.ok()) return absl::InternalError("broken catalogue data: " + std::string(catalogs.status().message()));
  const bool known = std::any_of(catalogs->begin(), catalogs->end(),
                                 [&](const auto& catalog) { return catalog->name() == options.default_catalog; });
  if (!known) return absl::InvalidArgumentError("no catalogue is named " + options.default_catalog);
  RegistrySettings settings;
  settings.catalogs = *std::move(catalogs);
  settings.default_catalog = options.default_catalog;
  settings.limits = options.limits;
  settings.cache_bytes = options.cache_bytes;
  settings.max_wait = absl::Seconds(options.min_revision_wait_seconds);
  return settings;
}

}  // namespace

int Serve(const Options& options) {
  const sigset_t signals = BlockEndSignals();
  const auto log = StartLog(options);
  for (const std::string& text : UnknownVariables()) log->warn("{}", text);
  const auto metrics = std::make_shared<Metrics>(options.metrics_tenants);

  auto registry_settings = RegistrySettingsOf(options);
  if (!registry_settings.ok()) {
    log->critical("{}", std::string(registry_settings.status().message()));
    return kCannotStart;
  }
  const std::string storage = *StorageOf(options);
  auto store = OpenStore(storage, {options.history_changes, absl::Hours(24 * options.history_days)});
  if (!store.ok()) {
    log->critical("{}", std::string(store.status().message()));
    return kCannotStart;
  }
  ObservedStore observed_store(*std::move(store), [metrics](auto... report) { metrics->store().Finished(report...); });
  Registry registry(*std::move(registry_settings), observed_store);
  ServerSettings settings;
  settings.listen = options.listen;
  settings.limits = options.limits;
  settings.log = log;
  settings.call_log = {LogFormOf(options), options.log_sample, absl::Milliseconds(options.log_slow_ms)};
  settings.metrics = metrics;
  std::shared_ptr<TlsCertificates> certificates;  // null: no TLS
  if (!options.tls_cert.empty()) {
    auto opened = TlsCertificates::Open({options.tls_cert, options.tls_key, options.tls_client_ca}, absl::Now, log);
    if (!opened.ok()) {
      log->critical("{}", std::string(opened.status().message()));
      return kCannotStart;
    }
    certificates = *std::move(opened);
    settings.credentials = TlsCredentials(certificates);
  }
  const auto server = Server::Start(settings, registry);
  if (!server.ok()) {
    log->critical("{}", std::string(server.status().message()));
    return kCannotStart;
  }
  AddServeMetrics({options, observed_store, registry, **server}, *metrics);
  if (const std::string open = OpenTo(options); !open.empty()) log->warn("{}", open);
  log->info("qconfigd {} listening on {} (port {}), storage {}", QCONFIG_VERSION, options.listen, (*server)->port(),
            storage);

  int signal = 0;
  sigwait(&signals, &signal);
  log->info("ending on {}: calls that run have {} s", signal == SIGTERM ? "SIGTERM" : "SIGINT",
            options.shutdown_grace_seconds);
  (*server)->Shutdown(absl::Seconds(options.shutdown_grace_seconds));
  log->info("ended");
  return kEnded;
}

}  // namespace qconfig
