// SPDX-License-Identifier: Apache-2.0
#include "server/admin/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"

namespace qconfig {
namespace {

using testing::StartsWith;

std::string TextOf(const absl::Status& status) { return std::string(status.message()); }

TEST(ReadinessTest, StartingUntilItServes) {
  Readiness readiness;
  EXPECT_EQ(TextOf(readiness.Check()), "starting");
  readiness.Serve([] { return absl::OkStatus(); });
  EXPECT_TRUE(readiness.Check().ok());
}

TEST(ReadinessTest, DrainingOnceItIsToEnd) {
  Readiness readiness;
  readiness.Serve([] { return absl::OkStatus(); });
  readiness.Drain();
  EXPECT_EQ(TextOf(readiness.Check()), "draining");
  readiness.Stop();
  readiness.Stop();
  EXPECT_FALSE(readiness.Check().ok());
}

TEST(ReadinessTest, DrainsBeforeItServes) {
  Readiness readiness;
  readiness.Drain();
  readiness.Serve([] { return absl::OkStatus(); });
  EXPECT_EQ(TextOf(readiness.Check()), "draining");
}

TEST(ReadinessTest, EachAnswerIsOfACheckThatBeganAfterTheLastOne) {
  std::atomic<bool> broken = false;
  Readiness readiness(absl::Hours(1));
  readiness.Serve([&] { return broken ? absl::UnavailableError("the file\nis gone") : absl::OkStatus(); });
  for (int i = 0; i < 100; ++i) {
    broken = i % 2 == 1;
    EXPECT_EQ(TextOf(readiness.Check()), broken ? "storage: the file\\u000ais gone" : "") << "one line";
  }
}

TEST(ReadinessTest, CheckThatHangsIsToldAndNotRepeated) {
  absl::Notification go_on;
  std::atomic<int> checks = 0;
  Readiness readiness(absl::Milliseconds(1));
  readiness.Serve([&] {
    ++checks;
    go_on.WaitForNotification();
    return absl::OkStatus();
  });
  std::vector<std::thread> probes;
  for (int i = 0; i < 8; ++i) {
    probes.emplace_back([&] {
      for (int n = 0; n < 10; ++n) EXPECT_THAT(TextOf(readiness.Check()), StartsWith("storage: no answer for "));
    });
  }
  for (std::thread& probe : probes) probe.join();
  EXPECT_LE(checks, 1);
  go_on.Notify();
  while (!readiness.Check().ok()) std::this_thread::yield();
}

TEST(ReadinessTest, TimeWithoutAnAnswerIsSteadyTime) {
  absl::Notification go_on;
  absl::Time now = absl::FromUnixSeconds(1'000'000);
  absl::Duration steady = absl::Hours(5);
  Readiness readiness(absl::Milliseconds(10), Clock([&now] { return now -= absl::Hours(1); },
                                                    [&steady] { return steady += absl::Milliseconds(4); }));
  readiness.Serve([&] {
    go_on.WaitForNotification();
    return absl::OkStatus();
  });
  EXPECT_EQ(TextOf(readiness.Check()), "storage: no answer for 8 ms");
  EXPECT_EQ(TextOf(readiness.Check()), "storage: no answer for 16 ms") << "from the same request";
  go_on.Notify();
}

}  // namespace
}  // namespace qconfig
