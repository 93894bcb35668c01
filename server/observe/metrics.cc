// SPDX-License-Identifier: Apache-2.0
#include "server/observe/metrics.h"

#include <prometheus/text_serializer.h>

#include <iterator>
#include <utility>
#include <vector>

namespace qconfig {

void Metrics::AddGauge(const std::string& name, const std::string& help, const prometheus::Labels& labels,
                       std::function<std::optional<double>()> sample) {
  sampled_.Add({prometheus::MetricType::Gauge, name, help, labels, std::move(sample)});
}

void Metrics::AddCounter(const std::string& name, const std::string& help, const prometheus::Labels& labels,
                         std::function<std::optional<double>()> sample) {
  sampled_.Add({prometheus::MetricType::Counter, name, help, labels, std::move(sample)});
}

std::string Metrics::Text() const {
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  std::vector<prometheus::MetricFamily> sampled = sampled_.Collect();
  families.insert(families.end(), std::make_move_iterator(sampled.begin()), std::make_move_iterator(sampled.end()));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace qconfig
