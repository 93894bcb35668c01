// SPDX-License-Identifier: Apache-2.0
#include "server/app/serve_metrics.h"

#include <string>

#include "server/app/self_checks.h"
#include "server/observe/log.h"
#include "server/observe/process_metrics.h"

namespace qconfig {
namespace {

void AddFacts(const MetricSources& sources, Metrics& metrics) {
  const auto one = [] { return 1.0; };
  metrics.AddGauge("qconfig_build_info", "Always 1.", {{"version", QCONFIG_VERSION}}, one);
  for (const auto& catalog : sources.catalogs) {
    metrics.AddGauge("qconfig_catalog_info", "Always 1, for each catalogue.",
                     {{"catalog", catalog->name()}, {"digest", catalog->digest()}}, one);
  }
}

void AddConnections(ConnectionTable& connections, Metrics& metrics) {
  const auto count = [&connections](int64_t ConnectionCounts::*field) {
    return [&connections, field] { return static_cast<double>(connections.counts().*field); };
  };
  constexpr char kOpen[] = "qconfig_connections";
  constexpr char kOpenHelp[] = "Open gRPC connections: active, or silent if they have not made a call yet.";
  metrics.AddGauge(kOpen, kOpenHelp, {{"state", "active"}}, count(&ConnectionCounts::active));
  metrics.AddGauge(kOpen, kOpenHelp, {{"state", "silent"}}, count(&ConnectionCounts::silent));
  metrics.AddGauge("qconfig_max_connections", "Maximum number of open gRPC connections.", {},
                   [max = connections.limits().total] { return static_cast<double>(max); });
  constexpr char kClosed[] = "qconfig_connections_closed_total";
  constexpr char kClosedHelp[] =
      "gRPC connections closed by a limit: new ones of all (limit) or of one peer (peer_limit), and silent ones "
      "(silent).";
  metrics.AddCounter(kClosed, kClosedHelp, {{"reason", "limit"}}, count(&ConnectionCounts::rejected));
  metrics.AddCounter(kClosed, kClosedHelp, {{"reason", "peer_limit"}}, count(&ConnectionCounts::rejected_peer));
  metrics.AddCounter(kClosed, kClosedHelp, {{"reason", "silent"}}, count(&ConnectionCounts::evicted));
  metrics.AddCounter("qconfig_accept_failures_total",
                     "Connections that could not be accepted for lack of file descriptors or memory.", {},
                     count(&ConnectionCounts::accept_failures));
}

void AddCalls(const MetricSources& sources, Metrics& metrics) {
  const auto* calls = &sources.in_flight_calls;
  auto* readiness = &sources.readiness;
  metrics.AddGauge("qconfig_in_flight_calls", "Calls being handled.", {},
                   [calls] { return static_cast<double>(calls->working()); });
  metrics.AddGauge("qconfig_max_in_flight_calls", "Maximum number of calls handled at once.", {},
                   [calls] { return static_cast<double>(calls->max_calls()); });
  metrics.AddGauge("qconfig_ready", "1 if /readyz reports that the server is ready, otherwise 0.", {},
                   [readiness] { return readiness->Ready().ok() ? 1.0 : 0.0; });
  for (const char* check : kSelfChecks) {
    const prometheus::Labels labels = {{"check", check}};
    metrics.AddGauge("qconfig_self_check_ok", "1 if the server's check of itself succeeds, otherwise 0.", labels,
                     [readiness, check] { return readiness->StateOf(check).status.ok() ? 1.0 : 0.0; });
    metrics.AddCounter("qconfig_self_check_failures_total", "Failed checks.", labels,
                       [readiness, check] { return static_cast<double>(readiness->StateOf(check).failures); });
    metrics.AddGauge("qconfig_self_check_seconds", "How long the last check took, or the running one has taken.",
                     labels, [readiness, check] { return absl::ToDoubleSeconds(readiness->StateOf(check).time); });
  }
  metrics.AddGauge("qconfig_sending_answers", "Answers being sent.", {},
                   [calls] { return static_cast<double>(calls->sending()); });
  metrics.AddCounter("qconfig_unread_rejections_total", "Calls rejected because clients do not read their answers.", {},
                     [calls] { return static_cast<double>(calls->rejected_for_unread()); });
  metrics.AddCounter("qconfig_unread_cancellations_total", "Calls cancelled because clients do not read their answers.",
                     {}, [calls] { return static_cast<double>(calls->cancelled_for_unread()); });
  metrics.AddGauge("qconfig_sending_answer_bytes", "Size of the answers being sent, in bytes.", {},
                   [calls] { return static_cast<double>(calls->sending_bytes()); });
}

void AddTransportGuard(const TransportGuard& guard, Metrics& metrics) {
  for (const absl::string_view reason : TransportGuard::Reasons()) {
    metrics.AddCounter("qconfig_connections_ended_total", "Connections that the transport guard ended, by reason.",
                       {{"reason", std::string(reason)}},
                       [&guard, reason] { return static_cast<double>(guard.ended(reason)); });
  }
  metrics.AddGauge("qconfig_unfinished_message_bytes", "Received bytes of requests that are not complete.", {},
                   [&guard] { return static_cast<double>(guard.unfinished_bytes()); });
}

void AddMemory(const CallResources& resources, Metrics& metrics) {
  constexpr char kRejections[] = "qconfig_memory_rejections_total";
  constexpr char kRejectionsHelp[] =
      "Calls rejected for lack of memory: of the process (limit), or for large requests (requests).";
  const auto pressure = resources.pressure;
  const auto budget = resources.budget;
  metrics.AddGauge("qconfig_memory_limit_bytes", "Memory limit of the process, in bytes; 0 if there is none.", {},
                   [pressure] { return static_cast<double>(pressure->limit()); });
  metrics.AddGauge("qconfig_memory_used_bytes", "Memory compared with the limit, in bytes.", {},
                   [pressure] { return static_cast<double>(pressure->used()); });
  metrics.AddGauge("qconfig_memory_pressure",
                   "0; 1 while large requests are rejected to save memory, 2 while only cached answers are served.", {},
                   [pressure] { return static_cast<double>(pressure->level()); });
  metrics.AddGauge("qconfig_request_memory_limit_bytes", "Maximum memory for large requests and batches, in bytes.", {},
                   [budget] { return static_cast<double>(budget->max_bytes()); });
  metrics.AddGauge("qconfig_request_memory_bytes", "Memory reserved for large requests and batches, in bytes.", {},
                   [budget] { return static_cast<double>(budget->reserved_bytes()); });
  metrics.AddGauge("qconfig_memory_waiting_calls", "Large requests and batches waiting for memory.", {},
                   [budget] { return static_cast<double>(budget->waiting_calls()); });
  metrics.AddCounter(kRejections, kRejectionsHelp, {{"by", "limit"}},
                     [pressure] { return static_cast<double>(pressure->rejections()); });
  metrics.AddCounter(kRejections, kRejectionsHelp, {{"by", "requests"}},
                     [budget] { return static_cast<double>(budget->rejections()); });
}

constexpr char kWaiting[] = "qconfig_stage_waiting_calls";
constexpr char kWaitingHelp[] =
    "Calls that wait for their turn: for a processor (cpu), for memory (memory), or for other writes to their tenant "
    "(write).";
constexpr char kRejected[] = "qconfig_stage_rejections_total";
constexpr char kRejectedHelp[] =
    "Calls rejected because all places are taken (limit), because their caller (share) or tenant (cpu, write) has too "
    "many calls, for lack of memory for large requests (memory), or because their caller exceeds its rate (rate).";

void AddFairness(const InFlightCalls& calls, const CallResources& resources, Metrics& metrics) {
  const auto turns = resources.turns;
  const auto rates = resources.rates;
  const auto budget = resources.budget;
  metrics.AddGauge("qconfig_computing_calls", "Calls that use a processor for a computation.", {},
                   [turns] { return static_cast<double>(turns->running()); });
  metrics.AddGauge("qconfig_max_computing_calls", "Processors for computations.", {},
                   [turns] { return static_cast<double>(turns->max_turns()); });
  metrics.AddGauge(kWaiting, kWaitingHelp, {{"stage", "cpu"}},
                   [turns] { return static_cast<double>(turns->waiting()); });
  metrics.AddGauge(kWaiting, kWaitingHelp, {{"stage", "memory"}},
                   [budget] { return static_cast<double>(budget->waiting_calls()); });
  metrics.AddCounter(kRejected, kRejectedHelp, {{"stage", "limit"}},
                     [&calls] { return static_cast<double>(calls.rejected_at_limit()); });
  metrics.AddCounter(kRejected, kRejectedHelp, {{"stage", "share"}},
                     [&calls] { return static_cast<double>(calls.rejected_above_share()); });
  metrics.AddCounter(kRejected, kRejectedHelp, {{"stage", "cpu"}},
                     [turns] { return static_cast<double>(turns->rejections()); });
  metrics.AddCounter(kRejected, kRejectedHelp, {{"stage", "memory"}},
                     [budget] { return static_cast<double>(budget->rejections()); });
  metrics.AddCounter(kRejected, kRejectedHelp, {{"stage", "rate"}},
                     [rates] { return static_cast<double>(rates->rejected()); });
  metrics.AddCounter("qconfig_rate_excess_total", "Calls above a rate of the policy with `mode: permissive`.", {},
                     [rates] { return static_cast<double>(rates->tolerated()); });
}

void AddAnswerCache(const AnswerCache& cache, Metrics& metrics) {
  metrics.AddCounter("qconfig_answer_cache_hits_total", "Calls whose answer was cached.", {},
                     [&cache] { return static_cast<double>(cache.counts().hits); });
  metrics.AddCounter("qconfig_answer_cache_misses_total",
                     "Calls with requests of up to 64 KiB whose answer was not cached.", {},
                     [&cache] { return static_cast<double>(cache.counts().misses); });
  metrics.AddCounter("qconfig_answer_cache_evictions_total", "Valid answers evicted from the cache for lack of space.",
                     {}, [&cache] { return static_cast<double>(cache.counts().evictions); });
  metrics.AddGauge("qconfig_answer_cache_answers", "Cached answers.", {},
                   [&cache] { return static_cast<double>(cache.counts().answers); });
  metrics.AddGauge("qconfig_answer_cache_bytes", "Memory of cached answers, in bytes.", {},
                   [&cache] { return static_cast<double>(cache.counts().bytes); });
  metrics.AddGauge("qconfig_answer_cache_limit_bytes", "Maximum memory of cached answers, in bytes.", {},
                   [&cache] { return static_cast<double>(cache.max_bytes()); });
}

void AddDisk(const DiskUsage& disk, Metrics& metrics) {
  metrics.AddGauge("qconfig_store_file_bytes", "Size of the registry's files, in bytes; 0 if registries are in memory.",
                   {}, [&disk] { return static_cast<double>(disk.file_bytes()); });
  metrics.AddGauge("qconfig_store_free_bytes",
                   "Free space on the registry's disk, in bytes; 0 if registries are in memory.", {},
                   [&disk] { return static_cast<double>(disk.free_bytes()); });
}

void AddTls(const std::shared_ptr<const TlsCertificates>& certificates, Metrics& metrics) {
  constexpr char kReloads[] = "qconfig_tls_reloads_total";
  constexpr char kReloadsHelp[] = "Changes of the TLS files: ok, or failed if the server kept the previous ones.";
  metrics.AddCounter(kReloads, kReloadsHelp, {{"result", "ok"}},
                     [certificates] { return certificates ? static_cast<double>(certificates->reloads_ok()) : 0; });
  metrics.AddCounter(kReloads, kReloadsHelp, {{"result", "failed"}},
                     [certificates] { return certificates ? static_cast<double>(certificates->reloads_failed()) : 0; });
  metrics.AddGauge("qconfig_tls_certificate_expiry_timestamp_seconds",
                   "When the TLS certificate expires, in seconds since 1970; 0 without TLS.", {}, [certificates] {
                     return certificates ? static_cast<double>(absl::ToUnixSeconds(certificates->expiry())) : 0;
                   });
}

void AddPolicy(const PolicyFile* policy, Metrics& metrics) {
  constexpr char kReloads[] = "qconfig_auth_policy_reloads_total";
  constexpr char kReloadsHelp[] =
      "Changes of the policy's files: ok, or failed if the server kept the previous policy.";
  metrics.AddCounter(kReloads, kReloadsHelp, {{"result", "ok"}},
                     [policy] { return policy ? static_cast<double>(policy->reloads_ok()) : 0; });
  metrics.AddCounter(kReloads, kReloadsHelp, {{"result", "failed"}},
                     [policy] { return policy ? static_cast<double>(policy->reloads_failed()) : 0; });
  metrics.AddGauge("qconfig_auth_policy_loaded_timestamp_seconds",
                   "When the policy was loaded, in seconds since 1970; 0 without a policy.", {},
                   [policy] { return policy ? static_cast<double>(absl::ToUnixSeconds(policy->loaded())) : 0; });
  metrics.AddGauge("qconfig_auth_policy_usable",
                   "0 while the policy's files differ from the policy in use and cannot be used; otherwise 1.", {},
                   [policy] { return policy == nullptr || policy->usable() ? 1 : 0; });
}

void AddAudit(const std::shared_ptr<const AuditLog>& log, Metrics& metrics) {
  const auto add = [&](const char* result, int64_t (AuditLog::*lines)() const) {
    metrics.AddCounter(
        "qconfig_audit_log_lines_total",
        "Lines of the audit log: written, failed if they could not be written or not in time, or dropped "
        "because too many waited for the disk.",
        {{"result", result}}, [log, lines] { return log == nullptr ? 0 : static_cast<double>(((*log).*lines)()); });
  };
  add("written", &AuditLog::written);
  add("failed", &AuditLog::failed);
  add("dropped", &AuditLog::dropped);
}

}  // namespace

void AddServeMetrics(const MetricSources& sources, Metrics& metrics) {
  AddFacts(sources, metrics);
  AddConnections(sources.connections, metrics);
  AddCalls(sources, metrics);
  AddTransportGuard(sources.transport_guard, metrics);
  AddMemory(sources.resources, metrics);
  AddFairness(sources.in_flight_calls, sources.resources, metrics);
  AddAnswerCache(sources.answer_cache, metrics);
  AddDisk(sources.disk, metrics);
  metrics.AddCounter("qconfig_store_damage_total",
                     "Damaged or missing rows that were found in the registry's file, each counted once.", {},
                     [&damage = sources.damage] { return static_cast<double>(damage.count()); });
  AddRegistryMetrics(nullptr, nullptr, metrics);
  metrics.AddGauge("qconfig_max_tenants", "Maximum number of tenants with writes.", {},
                   [max = sources.options.max_tenants] { return static_cast<double>(max); });
  metrics.AddGauge("qconfig_tenant_disk_limit_bytes", "Maximum size of what the store keeps of a tenant, in bytes.", {},
                   [max = sources.options.tenant_disk_bytes] { return static_cast<double>(max); });
  metrics.AddGauge("qconfig_registry_cache_limit_bytes", "Maximum memory of cached registries, in bytes.", {},
                   [max = sources.options.cache_bytes] { return static_cast<double>(max); });
  metrics.AddCounter("qconfig_log_lines_dropped_total", "Log lines dropped because nothing read the log.", {},
                     [] { return static_cast<double>(DroppedLogLines()); });
  AddTls(sources.certificates, metrics);
  AddPolicy(sources.policy, metrics);
  AddAudit(sources.audit_log, metrics);
  AddProcessMetrics(metrics);
}

void AddRegistryMetrics(const Registry* registry, const RegistryStore* store, Metrics& metrics) {
  metrics.AddGauge("qconfig_waiting_calls", "Calls waiting for a min_revision.", {},
                   [registry] { return registry ? static_cast<double>(registry->waiting_calls()) : 0; });
  metrics.AddGauge(kWaiting, kWaitingHelp, {{"stage", "write"}},
                   [registry] { return registry ? static_cast<double>(registry->waiting_writes()) : 0; });
  metrics.AddCounter(kRejected, kRejectedHelp, {{"stage", "write"}},
                     [registry] { return registry ? static_cast<double>(registry->rejected_writes()) : 0; });
  metrics.AddGauge("qconfig_store_revision",
                   "Writes that the store has accepted since it was created, for all tenants.", {},
                   [store] { return store ? static_cast<double>(store->writes()) : 0; });
  metrics.AddGauge("qconfig_store_tenants", "Tenants with writes.", {},
                   [store] { return store ? static_cast<double>(store->tenants()) : 0; });
  metrics.AddGauge("qconfig_history_expiry_paused",
                   "1 if history is not removed by age because the clock has moved forward, otherwise 0.", {},
                   [registry] { return registry && registry->is_history_paused() ? 1.0 : 0.0; });
  metrics.AddGauge("qconfig_registry_cache_bytes", "Memory of cached registries, in bytes.", {},
                   [registry] { return registry ? static_cast<double>(registry->bytes_in_memory()) : 0; });
  metrics.AddGauge("qconfig_registry_tenants_in_memory", "Tenants with cached revisions.", {},
                   [registry] { return registry ? static_cast<double>(registry->tenants_in_memory()) : 0; });
}

}  // namespace qconfig
