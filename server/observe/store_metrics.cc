// SPDX-License-Identifier: Apache-2.0
#include "server/observe/store_metrics.h"

#include "core/error.h"
#include "server/observe/call_metrics.h"

namespace qconfig {
namespace {

// Indexed by StoreOperation.
constexpr std::array<const char*, kStoreOperations> kOperationNames = {"commit",  "revisions",    "load",
                                                                       "changes", "find_request", "find_removed"};

}  // namespace

StoreMetrics::StoreMetrics(prometheus::Registry& registry) : series_() {
  auto& seconds = prometheus::BuildHistogram()
                      .Name("qconfig_store_operation_seconds")
                      .Help("Duration of store operations.")
                      .Register(registry);
  auto& errors = prometheus::BuildCounter()
                     .Name("qconfig_store_errors_total")
                     .Help("Failed store operations, by reason.")
                     .Register(registry);
  for (size_t i = 0; i < kStoreOperations; ++i) {
    const auto with_reason = [&](v1::ErrorReason reason) {
      return &errors.Add({{"operation", kOperationNames[i]}, {"reason", ReasonLabel(reason)}});
    };
    series_[i] = {&seconds.Add({{"operation", kOperationNames[i]}}, TimeBuckets()),
                  with_reason(v1::ERROR_REASON_STORAGE_UNAVAILABLE), with_reason(v1::ERROR_REASON_STORAGE_FULL),
                  with_reason(v1::ERROR_REASON_UNSPECIFIED)};
  }
}

void StoreMetrics::Finished(StoreOperation operation, const absl::Status& status, absl::Duration elapsed) {
  const Series& series = series_[static_cast<size_t>(operation)];
  series.seconds->Observe(absl::ToDoubleSeconds(elapsed));
  if (status.ok() || absl::IsAborted(status) || absl::IsAlreadyExists(status)) return;
  switch (ItemErrorOf(status).reason()) {
    case v1::ERROR_REASON_STORAGE_UNAVAILABLE:
      return series.unavailable->Increment();
    case v1::ERROR_REASON_STORAGE_FULL:
      return series.full->Increment();
    case v1::ERROR_REASON_UNSPECIFIED:
      return series.none->Increment();
    default:
      return;  // no such revision
  }
}

}  // namespace qconfig
