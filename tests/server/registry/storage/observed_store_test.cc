// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/observed_store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/memory_store.h"
#include "tests/server/registry/storage/fault_injecting_store.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

TEST(ObservedStoreTest, ReportsEachOperationOnceWithItsDuration) {
  auto faulty = std::make_unique<FaultInjectingStore>(std::make_unique<MemoryStore>(HistoryLimits()));
  FaultInjectingStore& faults = *faulty;
  std::vector<std::string> reports;
  absl::Duration now;
  ObservedStore store(
      std::move(faulty),
      [&](StoreOperation operation, const absl::Status& status, absl::Duration elapsed) {
        reports.push_back(absl::StrCat(static_cast<int>(operation), " ", absl::StatusCodeToString(status.code()), " ",
                                       absl::FormatDuration(elapsed)));
      },
      Clock(absl::Now, [&now] { return now += absl::Seconds(2); }));
  store.Commit(Tenant("a"), Write(2, {})).IgnoreError();
  store.Commit(Tenant("a"), Write(2, {})).IgnoreError();
  store.Revisions(Tenant("a")).IgnoreError();
  store.Load(Tenant("a"), 0).IgnoreError();
  faults.FailReads(StorageUnavailable("gone"));
  store.ChangesSince(Tenant("a"), 1, 1).IgnoreError();
  store.FindRequest(Tenant("a"), "r").IgnoreError();
  EXPECT_EQ(store.writes(), 1);
  const std::vector<std::string> expected = {"0 OK 2s", "0 ABORTED 2s",     "1 OK 2s",
                                             "2 OK 2s", "3 UNAVAILABLE 2s", "4 UNAVAILABLE 2s"};
  EXPECT_EQ(reports, expected);
}

}  // namespace
}  // namespace qconfig
