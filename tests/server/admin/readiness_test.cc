// SPDX-License-Identifier: Apache-2.0
#include "server/admin/readiness.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"

namespace qconfig {
namespace {

std::string TextOf(const absl::Status& status) { return std::string(status.message()); }

Readiness::Check Good(const std::string& name) {
  return {name, [] { return absl::OkStatus(); }, [](const absl::Status&) {}};
}

void WaitUntilReady(const Readiness& readiness) {
  while (!readiness.Ready().ok()) std::this_thread::yield();
}

TEST(ReadinessTest, StartingUntilItServesAndEachCheckHasSucceeded) {
  absl::Notification go_on;
  Readiness readiness;
  EXPECT_EQ(TextOf(readiness.Ready()), "starting");
  EXPECT_EQ(TextOf(readiness.Ready("reads")), "starting");
  readiness.Serve({{"reads",
                    [&] {
                      go_on.WaitForNotification();
                      return absl::OkStatus();
                    },
                    [](const absl::Status&) {}}});
  EXPECT_EQ(TextOf(readiness.Ready()), "reads: not checked yet");
  go_on.Notify();
  WaitUntilReady(readiness);
}

TEST(ReadinessTest, DrainingOnceItIsToEnd) {
  Readiness readiness;
  readiness.Serve({Good("reads")});
  WaitUntilReady(readiness);
  readiness.Drain();
  EXPECT_EQ(TextOf(readiness.Ready()), "draining");
  EXPECT_EQ(TextOf(readiness.Ready("reads")), "draining");
  EXPECT_EQ(TextOf(readiness.StateOf("reads").status), "draining");
  readiness.Stop();
  readiness.Stop();
  EXPECT_EQ(TextOf(readiness.Ready()), "draining");
}

TEST(ReadinessTest, DrainsBeforeItServes) {
  Readiness readiness;
  readiness.Drain();
  readiness.Serve({Good("reads")});
  EXPECT_EQ(TextOf(readiness.Ready()), "draining");
}

TEST(ReadinessTest, SaysWhatWorksAndWhatDoesNot) {
  Readiness readiness;
  readiness.Serve({Good("reads"),
                   {"writes", [] { return absl::DataLossError("the disk is gone"); }, [](const absl::Status&) {}},
                   Good("calls")});
  const std::string expected = "writes: the disk is gone; ok: reads, calls";
  while (TextOf(readiness.Ready()) != expected) std::this_thread::yield();
  EXPECT_TRUE(readiness.Ready("reads").ok());
  EXPECT_EQ(TextOf(readiness.Ready("writes")), "writes: the disk is gone");
  EXPECT_EQ(readiness.Ready("other").code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(readiness.StateOf("writes").status.ok());
}

TEST(ReadinessTest, ChangesAreReportedOnce) {
  std::atomic<bool> broken = false;
  std::atomic<int> failures = 0, recoveries = 0;
  Readiness readiness;
  readiness.Serve({{"writes", [&] { return broken ? absl::DataLossError("gone") : absl::OkStatus(); },
                    [&](const absl::Status& status) { ++(status.ok() ? recoveries : failures); }}});
  WaitUntilReady(readiness);
  for (int i = 1; i <= 2; ++i) {
    broken = true;
    while (failures < i) std::this_thread::yield();
    EXPECT_EQ(TextOf(readiness.Ready()), "writes: gone");
    broken = false;
    while (recoveries < i) std::this_thread::yield();
    EXPECT_TRUE(readiness.Ready().ok());
  }
  EXPECT_EQ(failures, 2);
  EXPECT_EQ(recoveries, 2);
}

}  // namespace
}  // namespace qconfig
