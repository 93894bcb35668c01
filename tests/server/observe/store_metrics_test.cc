// SPDX-License-Identifier: Apache-2.0
#include "server/observe/store_metrics.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "server/observe/metrics.h"
#include "server/registry/storage/memory_store.h"
#include "server/registry/storage/observed_store.h"
#include "tests/server/observe/metrics_text.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

TEST(StoreMetricsTest, OperationsAndFailuresAreCounted) {
  auto metrics = std::make_shared<Metrics>(0);
  auto faulty = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
  FaultInjectingStore& faults = *faulty;
  ObservedStore store(std::move(faulty), [metrics](auto... report) { metrics->store().Finished(report...); });
  faults.FailBeforeStoring(StorageFull("no room"));
  faults.FailBeforeStoring(absl::InternalError("unexpected"));
  for (int64_t revision : {2, 2, 2, 7}) store.Commit(Tenant("a"), Write(revision, {})).IgnoreError();
  store.Load(Tenant("a"), 99).IgnoreError();
  faults.FailReads(StorageUnavailable("gone"));
  store.FindRequest(Tenant("a"), "r").IgnoreError();
  const MetricsText text(*metrics);
  EXPECT_EQ(text.Value("qconfig_store_operation_seconds_count{operation=\"commit\"}"), 4);
  EXPECT_EQ(text.Value("qconfig_store_operation_seconds_count{operation=\"load\"}"), 1);
  EXPECT_EQ(text.Value("qconfig_store_operation_seconds_count{operation=\"find_request\"}"), 1);
  EXPECT_EQ(text.Value("qconfig_store_errors_total{operation=\"commit\",reason=\"STORAGE_FULL\"}"), 1);
  EXPECT_EQ(text.Value("qconfig_store_errors_total{operation=\"commit\",reason=\"NONE\"}"), 1);
  EXPECT_EQ(text.Value("qconfig_store_errors_total{operation=\"find_request\",reason=\"STORAGE_UNAVAILABLE\"}"), 1);
  EXPECT_EQ(text.Sum("qconfig_store_errors_total"), 3) << "conflicts and unknown revisions are not failures";
}

}  // namespace
}  // namespace qconfig
