// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_OBSERVE_METRICS_TEXT_H_
#define QCONFIG_TESTS_SERVER_OBSERVE_METRICS_TEXT_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "server/observe/metrics.h"

namespace qconfig {

// The values of series such as `name{label="value"}`. Not thread-safe.
class MetricsText {
 public:
  explicit MetricsText(const Metrics& metrics);

  const std::map<std::string, double>& series() const { return series_; }

  // Returns -1 if the series does not exist.
  double Value(const std::string& series) const;
  // The sum of all series of `name` whose labels have `label`.
  double Sum(absl::string_view name, absl::string_view label = "") const;

 private:
  std::map<std::string, double> series_;
};

// The labels of a ConfigService method, after those in `more`.
std::string Labels(const std::string& method, const std::string& more = "");

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_OBSERVE_METRICS_TEXT_H_
