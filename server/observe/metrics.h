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

// What the server counts and measures, as Prometheus reads it. Every series is there from the start. Thread-safe.
class Metrics {
 public:
  // The first `max_tenants` tenants that call have a label of their own.
  explicit Metrics(size_t max_tenants) : calls_(registry_, max_tenants), store_(registry_) {}

  CallMetrics& calls() { return calls_; }
  StoreMetrics& store() { return store_; }

  // Adds a series of a value that lives elsewhere: `sample` is called for each Text(), by any thread, and must not call
  // back; what it does not know is left out. It takes the place of an earlier series of this name and these labels.
  void AddGauge(const std::string& name, const std::string& help, const prometheus::Labels& labels,
                std::function<std::optional<double>()> sample);
  void AddCounter(const std::string& name, const std::string& help, const prometheus::Labels& labels,
                  std::function<std::optional<double>()> sample);

  // In Prometheus' text format, version 0.0.4.
  std::string Text() const;

 private:
  prometheus::Registry registry_;
  SampledMetrics sampled_;
  CallMetrics calls_;
  StoreMetrics store_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_METRICS_H_
