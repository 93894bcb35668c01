// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_SERVE_METRICS_H_
#define QCONFIG_SERVER_OBSERVE_SERVE_METRICS_H_

#include <memory>

#include "server/admin/readiness.h"
#include "server/observe/metrics.h"
#include "server/options/options.h"
#include "server/registry.h"
#include "server/running_calls.h"
#include "server/storage/registry_store.h"
#include "server/tls/certificates.h"

namespace qconfig {

// What values of metrics are read from.
struct MetricSources {
  const Options& options;
  const RegistryStore& store;
  const Registry& registry;
  const RunningCalls& running_calls;
  Readiness& readiness;
};

// Adds the series of this program, its process, and `sources`, which are looked at for as long as metrics are read.
void AddServeMetrics(const MetricSources& sources, Metrics& metrics);

// Adds those of the server's certificate. Without TLS, AddServeMetrics() does.
void AddTlsMetrics(const std::shared_ptr<const TlsCertificates>& certificates, Metrics& metrics);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_SERVE_METRICS_H_
