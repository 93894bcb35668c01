// SPDX-License-Identifier: Apache-2.0
#include "server/serve_metrics.h"

#include <grpcpp/grpcpp.h>

#include "server/log.h"
#include "server/process_metrics.h"

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
  const auto* server = &sources.server;
  const auto* registry = &sources.registry;
  metrics.AddGauge("qconfig_in_flight_calls", "Calls that run.", {}, [server] { return server->running_calls(); });
  metrics.AddGauge("qconfig_max_in_flight_calls", "Calls that may run at once.", {},
                   [max = sources.options.max_in_flight] { return static_cast<double>(max); });
  metrics.AddGauge("qconfig_ready", "1 while new calls are answered, else 0.", {},
                   [server] { return server->is_draining() ? 0.0 : 1.0; });
  metrics.AddGauge("qconfig_waiting_calls", "Calls that wait for a min_revision.", {},
                   [registry] { return registry->waiting_calls(); });
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

// With TLS, those who read the certificate add these.
void AddNoTls(Metrics& metrics) {
  const auto zero = [] { return 0.0; };
  for (const char* result : {"ok", "failed"}) {
    metrics.AddCounter("qconfig_tls_reloads_total", "Times that the certificate and key were read again.",
                       {{"result", result}}, zero);
  }
  metrics.AddGauge("qconfig_tls_certificate_expiry_timestamp_seconds",
                   "When the certificate ends, in seconds since 1970; 0 without TLS.", {}, zero);
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

}  // namespace qconfig
