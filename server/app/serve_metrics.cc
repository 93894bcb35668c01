// SPDX-License-Identifier: Apache-2.0
#include "server/app/serve_metrics.h"

#include <grpcpp/grpcpp.h>

#include "server/observe/log.h"
#include "server/observe/process_metrics.h"

namespace qconfig {
namespace {

void AddFacts(const MetricSources& sources, Metrics& metrics) {
  const auto one = [] { return 1.0; };
  metrics.AddGauge("qconfig_build_info", "Always 1.", {{"version", QCONFIG_VERSION}, {"grpc_version", grpc::Version()}},
                   one);
  for (const auto& catalog : sources.catalogs) {
    metrics.AddGauge("qconfig_catalog_info", "Always 1, for each catalogue.",
                     {{"catalog", catalog->name()}, {"digest", catalog->digest()}}, one);
  }
}

void AddCalls(const MetricSources& sources, Metrics& metrics) {
  const auto* calls = &sources.in_flight_calls;
  auto* readiness = &sources.readiness;
  metrics.AddGauge("qconfig_in_flight_calls", "Calls that are worked on.", {},
                   [calls] { return static_cast<double>(calls->working()); });
  metrics.AddGauge("qconfig_max_in_flight_calls", "Calls that may be worked on at once.", {},
                   [calls] { return static_cast<double>(calls->max_calls()); });
  metrics.AddGauge("qconfig_ready", "1 when /readyz says so, else 0.", {},
                   [readiness] { return readiness->Check().ok() ? 1.0 : 0.0; });
  metrics.AddGauge("qconfig_sending_answers", "Answers that callers have not read yet.", {},
                   [calls] { return static_cast<double>(calls->sending()); });
  metrics.AddGauge("qconfig_sending_answer_bytes", "Bytes of answers that callers have not read yet.", {},
                   [calls] { return static_cast<double>(calls->sending_bytes()); });
}

void AddAnswerCache(const AnswerCache& cache, Metrics& metrics) {
  metrics.AddCounter("qconfig_answer_cache_hits_total", "Calls for which an answer was kept.", {},
                     [&cache] { return static_cast<double>(cache.counts().hits); });
  metrics.AddCounter("qconfig_answer_cache_misses_total", "Calls of requests of up to 64 KiB for which none was kept.",
                     {}, [&cache] { return static_cast<double>(cache.counts().misses); });
  metrics.AddCounter("qconfig_answer_cache_evictions_total", "Kept answers that were dropped for lack of room.", {},
                     [&cache] { return static_cast<double>(cache.counts().evictions); });
  metrics.AddGauge("qconfig_answer_cache_answers", "Answers that are kept.", {},
                   [&cache] { return static_cast<double>(cache.counts().answers); });
  metrics.AddGauge("qconfig_answer_cache_bytes", "Memory of the answers that are kept.", {},
                   [&cache] { return static_cast<double>(cache.counts().bytes); });
  metrics.AddGauge("qconfig_answer_cache_limit_bytes", "Memory that kept answers may take.", {},
                   [&cache] { return static_cast<double>(cache.max_bytes()); });
}

void AddDisk(const DiskUsage& disk, Metrics& metrics) {
  metrics.AddGauge("qconfig_store_file_bytes", "Size of the registry's files; 0 when it is in memory.", {},
                   [&disk] { return static_cast<double>(disk.file_bytes()); });
  metrics.AddGauge("qconfig_store_free_bytes", "What their disk has left; 0 when the registry is in memory.", {},
                   [&disk] { return static_cast<double>(disk.free_bytes()); });
}

void AddTls(const std::shared_ptr<const TlsCertificates>& certificates, Metrics& metrics) {
  constexpr char kReloads[] = "qconfig_tls_reloads_total";
  constexpr char kReloadsHelp[] = "Times that files of TLS changed and were taken over, or could not be.";
  metrics.AddCounter(kReloads, kReloadsHelp, {{"result", "ok"}},
                     [certificates] { return certificates ? static_cast<double>(certificates->reloads_ok()) : 0; });
  metrics.AddCounter(kReloads, kReloadsHelp, {{"result", "failed"}},
                     [certificates] { return certificates ? static_cast<double>(certificates->reloads_failed()) : 0; });
  metrics.AddGauge("qconfig_tls_certificate_expiry_timestamp_seconds",
                   "When the certificate ends, in seconds since 1970; 0 without TLS.", {}, [certificates] {
                     return certificates ? static_cast<double>(absl::ToUnixSeconds(certificates->expiry())) : 0;
                   });
}

}  // namespace

void AddServeMetrics(const MetricSources& sources, Metrics& metrics) {
  AddFacts(sources, metrics);
  AddCalls(sources, metrics);
  AddAnswerCache(sources.answer_cache, metrics);
  AddDisk(sources.disk, metrics);
  AddRegistryMetrics(nullptr, nullptr, metrics);
  metrics.AddGauge("qconfig_registry_cache_limit_bytes", "Memory that registries may take.", {},
                   [max = sources.options.cache_bytes] { return static_cast<double>(max); });
  metrics.AddCounter("qconfig_log_lines_dropped_total", "Lines of the log that were lost because nobody read it.", {},
                     [] { return static_cast<double>(DroppedLogLines()); });
  AddTls(sources.certificates, metrics);
  AddProcessMetrics(metrics);
}

void AddRegistryMetrics(const Registry* registry, const RegistryStore* store, Metrics& metrics) {
  metrics.AddGauge("qconfig_waiting_calls", "Calls that wait for a min_revision.", {},
                   [registry] { return registry ? static_cast<double>(registry->waiting_calls()) : 0; });
  metrics.AddGauge("qconfig_store_revision", "Writes that the store has taken since it was made, of all tenants.", {},
                   [store] { return store ? static_cast<double>(store->writes()) : 0; });
  metrics.AddGauge("qconfig_registry_cache_bytes", "Memory of the registries that are kept in it.", {},
                   [registry] { return registry ? static_cast<double>(registry->bytes_in_memory()) : 0; });
  metrics.AddGauge("qconfig_registry_tenants_in_memory", "Tenants of which something is known without the store.", {},
                   [registry] { return registry ? static_cast<double>(registry->tenants_in_memory()) : 0; });
}

}  // namespace qconfig
