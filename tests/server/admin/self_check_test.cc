// SPDX-License-Identifier: Apache-2.0
#include "server/admin/self_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"

namespace qconfig {
namespace {

using testing::ElementsAre;

// The state before each check if the checks have these results: '.' is OK, 'x' a failure.
std::vector<std::string> StatesBefore(const std::string& results) {
  std::vector<std::string> states;
  absl::Notification created, done;
  SelfCheck* check = nullptr;
  SelfCheck owned(
      [&]() -> absl::Status {
        created.WaitForNotification();
        if (done.HasBeenNotified()) return absl::OkStatus();
        const size_t run = states.size();
        const SelfCheck::State state = check->state();
        states.push_back(state.is_known ? std::string(state.status.ok() ? "ok" : state.status.message()) : "?");
        if (run == results.size()) {
          done.Notify();
        } else if (results[run] == 'x') {
          return absl::DataLossError(absl::StrCat("failure\n", run));
        }
        return absl::OkStatus();
      },
      Clock(absl::Now, [] { return absl::Seconds(5); }));
  check = &owned;
  created.Notify();
  done.WaitForNotification();
  return states;
}

TEST(SelfCheckTest, HalfOfTheLastFourResultsDecide) {
  EXPECT_THAT(StatesBefore(".x.x.."), ElementsAre("?", "ok", "ok", "ok", "failure\\u000a3", "failure\\u000a3", "ok"));
}

TEST(SelfCheckTest, FirstResultCountsAtOnce) {
  EXPECT_THAT(StatesBefore("x..."), ElementsAre("?", "failure\\u000a0", "failure\\u000a0", "failure\\u000a0", "ok"));
}

TEST(SelfCheckTest, CheckThatHangsFailsAndIsNotStartedAgain) {
  absl::Notification started, go_on;
  std::atomic<int> runs = 0;
  std::atomic<int64_t> now_ms = 5000;
  SelfCheck check(
      [&] {
        if (++runs == 2) {
          started.Notify();
          go_on.WaitForNotification();
        }
        return absl::OkStatus();
      },
      Clock(absl::Now, [&] { return absl::Milliseconds(now_ms.load()); }));
  started.WaitForNotification();
  now_ms += 1000;
  EXPECT_TRUE(check.state().status.ok());
  now_ms += 1;
  EXPECT_EQ(check.state().status.message(), "no answer for 1001 ms");
  EXPECT_EQ(check.state().time, absl::Milliseconds(1001));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // longer than the pause between checks
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(check.state().failures, 0) << "it may still succeed";
  go_on.Notify();
  while (runs == 2) std::this_thread::yield();
  EXPECT_EQ(check.state().status.message(), "no answer for 1001 ms") << "a single result does not mend it";
  EXPECT_EQ(check.state().failures, 1);
  while (!check.state().status.ok()) std::this_thread::yield();
  EXPECT_GE(runs, 4);
}

TEST(SelfCheckTest, EndsWithoutWaitingForThePause) {
  std::atomic<int> runs = 0;
  SelfCheck check(
      [&runs] {
        ++runs;
        return absl::OkStatus();
      },
      Clock());
  check.End();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LE(runs, 1);
}

}  // namespace
}  // namespace qconfig
