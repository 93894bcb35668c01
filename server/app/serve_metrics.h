// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_SERVE_METRICS_H_
#define QCONFIG_SERVER_APP_SERVE_METRICS_H_

#include <memory>
#include <vector>

#include "core/catalog.h"
#include "server/admin/readiness.h"
#include "server/auth/audit_log.h"
#include "server/auth/policy_file.h"
#include "server/observe/damage_log.h"
#include "server/observe/disk_usage.h"
#include "server/observe/metrics.h"
#include "server/options/options.h"
#include "server/registry/registry.h"
#include "server/registry/storage/registry_store.h"
#include "server/rpc/answer_cache.h"
#include "server/rpc/connection_table.h"
#include "server/rpc/in_flight_calls.h"
#include "server/rpc/transport_guard.h"
#include "server/rpc/unary_dispatcher.h"
#include "server/tls/certificates.h"

namespace qconfig {

// The objects whose state the metrics show.
struct MetricSources {
  const Options& options;
  const Catalogs& catalogs;
  ConnectionTable& connections;
  const InFlightCalls& in_flight_calls;
  const TransportGuard& transport_guard;
  const CallResources& resources;
  const AnswerCache& answer_cache;
  Readiness& readiness;
  const DiskUsage& disk;
  const DamageLog& damage;
  std::shared_ptr<const TlsCertificates> certificates;  // null: no TLS
  const PolicyFile* policy = nullptr;                   // null: no policy
  std::shared_ptr<const AuditLog> audit_log = nullptr;  // null: none
};

// Adds the series of this program, its process and `sources`. The referenced objects must outlive the last read of the
// metrics. Series of the registry are 0 until AddRegistryMetrics().
void AddServeMetrics(const MetricSources& sources, Metrics& metrics);

// Adds the series of `registry` and its `store`, which must outlive the last read of the metrics. Null: not started
// yet.
void AddRegistryMetrics(const Registry* registry, const RegistryStore* store, Metrics& metrics);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_SERVE_METRICS_H_
