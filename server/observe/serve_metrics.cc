// SPDX-License-Identifier: Apache-2.0
#include "server/observe/serve_metrics.h"

#include <grpcpp/grpcpp.h>

#include "server/observe/log.h"
#include "server/observe/process_metrics.h"

namespace qconfig {
namespace {

void AddFacts(const MetricSources& sources, Metrics& metrics) {
  const auto one = [] { return 1.0; };
  metrics.AddGauge("qconfig_build_info", "Always 1.", {{"version", QCONFIG_VERSION}, {"grpc_version", grpc::Version()}},
                   one);
  for (const auto& catalog : sources.registry.catalogs()) {
    metrics.AddGauge("qconfig_catalog_info", "Always 1, for each catalogue.",
                     {{"catalog", catalog->name()}, {"digest", catalog->digest()}}, one);
  }
}

void AddCalls(const MetricSources& sources, Metrics& metrics) {
  const auto* calls = &sources.running_calls;
  const auto* registry = &sources.registry;
  auto* readiness = &sources.readiness;
  metrics.AddGauge("qconfig_in_flight_calls", "Calls that are worked on.", {},
                   [calls] { return static_cast<double>(calls->working()); });
  metrics.AddGauge("qconfig_max_in_flight_calls", "Calls that may be worked on at once.", {},
                   [calls] { return static_cast<double>(calls->max_calls()); });
  metrics.AddGauge("qconfig_ready", "1 when /readyz says so, else 0.", {},
                   [readiness] { return readiness->Check().ok() ? 1.0 : 0.0; });
  metrics.AddGauge("qconfig_waiting_calls", "Calls that wait for a min_revision.", {},
                   [registry] { return static_cast<double>(registry->waiting_calls()); });
}

void AddRegistry(const MetricSources& sources, Metrics& metrics) {
  const auto* store = &sources.store;
  const auto* registry = &sources.registry;
  metrics.AddGauge("qconfig_store_revision", "Writes that the store has taken since it was made, of all tenants.", {},
                   [store] { return static_cast<double>(store->writes()); });
  metrics.AddGauge("qconfig_registry_cache_bytes", "Memory of the registries that are kept in it.", {},
                   [registry] { return static_cast<double>(registry->bytes_in_memory()); });
  metrics.AddGauge("qconfig_registry_cache_limit_bytes", "Memory that registries may take.", {},
                   [max = sources.options.cache_bytes] { return static_cast<double>(max); });
  metrics.AddGauge("qconfig_registry_tenants_in_memory", "Tenants of which something is known without the store.", {},
                   [registry] { return static_cast<double>(registry->tenants_in_memory()); });
}

constexpr char kTlsReloads[] = "qconfig_tls_reloads_total";
constexpr char kTlsReloadsHelp[] = "Times that files of TLS changed and were taken over, or could not be.";
constexpr char kTlsExpiry[] = "qconfig_tls_certificate_expiry_timestamp_seconds";
constexpr char kTlsExpiryHelp[] = "When the certificate ends, in seconds since 1970; 0 without TLS.";

void AddNoTls(Metrics& metrics) {
  const auto zero = [] { return 0.0; };
  for (const char* result : {"ok", "failed"}) {
    metrics.AddCounter(kTlsReloads, kTlsReloadsHelp, {{"result", result}}, zero);
  }
  metrics.AddGauge(kTlsExpiry, kTlsExpiryHelp, {}, zero);
}

}  // namespace

void AddServeMetrics(const MetricSources& sources, Metrics& metrics) {
  AddFacts(sources, metrics);
  AddCalls(sources, metrics);
  AddRegistry(sources, metrics);
  metrics.AddCounter("qconfig_log_lines_dropped_total", "Lines of the log that were lost because nobody read it.", {},
                     [] { return static_cast<double>(DroppedLogLines()); });
  if (sources.options.tls_cert.empty()) AddNoTls(metrics);
  AddProcessMetrics(metrics);
}

void AddTlsMetrics(const std::shared_ptr<const TlsCertificates>& certificates, Metrics& metrics) {
  metrics.AddCounter(kTlsReloads, kTlsReloadsHelp, {{"result", "ok"}},
                     [certificates] { return static_cast<double>(certificates->reloads_ok()); });
  metrics.AddCounter(kTlsReloads, kTlsReloadsHelp, {{"result", "failed"}},
                     [certificates] { return static_cast<double>(certificates->reloads_failed()); });
  metrics.AddGauge(kTlsExpiry, kTlsExpiryHelp, {},
                   [certificates] { return static_cast<double>(absl::ToUnixSeconds(certificates->expiry())); });
}

}  // namespace qconfig
