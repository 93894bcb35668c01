// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_SAMPLED_METRICS_H_
#define QCONFIG_SERVER_OBSERVE_SAMPLED_METRICS_H_

#include <prometheus/collectable.h>
#include <prometheus/labels.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace qconfig {

// Series whose values are sampled when they are read. Thread-safe.
class SampledMetrics : public prometheus::Collectable {
 public:
  struct Series {
    prometheus::MetricType type;  // Gauge or Counter
    std::string name;
    std::string help;
    prometheus::Labels labels;
    std::function<std::optional<double>()> sample;  // called on any thread; nullopt: the series is omitted
  };

  // Replaces a series with the same name and labels. REQUIRES: series of one name have the same type and help.
  void Add(Series series) ABSL_LOCKS_EXCLUDED(mutex_);

  // One family for each name, in the order in which they were added.
  std::vector<prometheus::MetricFamily> Collect() const override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  std::vector<Series> series_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_SAMPLED_METRICS_H_
