// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_STORE_METRICS_H_
#define QCONFIG_SERVER_OBSERVE_STORE_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/registry/storage/observed_store.h"

namespace qconfig {

// The series about a store. Thread-safe.
class StoreMetrics {
 public:
  // `registry` owns the series, and must outlive this object.
  explicit StoreMetrics(prometheus::Registry& registry);

  // Counts an operation that an ObservedStore reports. Conflicts and unreadable revisions are not failures.
  void Finished(StoreOperation operation, const absl::Status& status, absl::Duration elapsed);

 private:
  struct Series {
    prometheus::Histogram* seconds;
    prometheus::Counter* unavailable;
    prometheus::Counter* full;
    prometheus::Counter* none;
  };

  std::array<Series, kStoreOperations> series_;  // by operation
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_STORE_METRICS_H_
