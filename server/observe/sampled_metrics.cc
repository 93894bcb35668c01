// SPDX-License-Identifier: Apache-2.0
#include "server/observe/sampled_metrics.h"

#include <algorithm>
#include <utility>

namespace qconfig {

void SampledMetrics::Add(Series series) {
  const absl::MutexLock lock(&mutex_);
  const auto same = std::find_if(series_.begin(), series_.end(), [&series](const Series& other) {
    return other.name == series.name && other.labels == series.labels;
  });
  if (same == series_.end()) {
    series_.push_back(std::move(series));
  } else {
    *same = std::move(series);
  }
}

std::vector<prometheus::MetricFamily> SampledMetrics::Collect() const {
  std::vector<Series> all;  // sampled without holding the lock, because samples take other locks
  {
    const absl::MutexLock lock(&mutex_);
    all = series_;
  }
  std::vector<prometheus::MetricFamily> families;
  for (const Series& series : all) {
    const std::optional<double> value = series.sample();
    if (!value.has_value()) continue;
    auto family = std::find_if(families.begin(), families.end(),
                               [&series](const prometheus::MetricFamily& other) { return other.name == series.name; });
    if (family == families.end()) {
      families.push_back({series.name, series.help, series.type, {}});
      family = std::prev(families.end());
    }
    prometheus::ClientMetric metric;
    for (const auto& [name, text] : series.labels) metric.label.push_back({name, text});
    if (series.type == prometheus::MetricType::Counter) {
      metric.counter.value = *value;
    } else {
      metric.gauge.value = *value;
    }
    family->metric.push_back(std::move(metric));
  }
  return families;
}

}  // namespace qconfig
