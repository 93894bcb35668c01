// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_METRICS_H_
#define QCONFIG_SERVER_OBSERVE_METRICS_H_

#include <prometheus/registry.h>

#include <functional>
#include <optional>
#include <string>

#include "server/observe/call_metrics.h"
#include "server/observe/sampled_metrics.h"
#include "server/observe/store_metrics.h"

namespace qconfig {

// The metrics of the server, for Prometheus. Every series exists from the start. Thread-safe.
class Metrics {
 public:
  // The first `max_tenants` tenants have their own label values.
  explicit Metrics(size_t max_tenants) : calls_(registry_, max_tenants), store_(registry_) {}

  CallMetrics& calls() { return calls_; }
  StoreMetrics& store() { return store_; }

  // Adds a series whose value is kept elsewhere. `sample` is called by each Text(), on any thread, and must not call
  // back; if it returns nullopt, the series is omitted. Replaces an earlier series with the same name and labels.
  void AddGauge(const std::string& name, const std::string& help, const prometheus::Labels& labels,
                std::function<std::optional<double>()> sample);
  void AddCounter(const std::string& name, const std::string& help, const prometheus::Labels& labels,
                  std::function<std::optional<double>()> sample);

  // All series in Prometheus' text format, version 0.0.4.
  std::string Text() const;

 private:
  prometheus::Registry registry_;
  SampledMetrics sampled_;
  CallMetrics calls_;
  StoreMetrics store_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_METRICS_H_
