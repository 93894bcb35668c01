// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SERVE_METRICS_H_
#define QCONFIG_SERVER_SERVE_METRICS_H_

#include "server/metrics.h"
#include "server/options.h"
#include "server/registry.h"
#include "server/server.h"
#include "server/storage/registry_store.h"

namespace qconfig {

// What values of metrics are read from.
struct MetricSources {
  const Options& options;
  const RegistryStore& store;
  const Registry& registry;
  const Server& server;
};

// Adds the series of this program, its process, and `sources`, which are looked at for as long as metrics are read.
void AddServeMetrics(const MetricSources& sources, Metrics& metrics);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SERVE_METRICS_H_
