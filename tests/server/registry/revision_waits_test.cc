// SPDX-License-Identifier: Apache-2.0
#include "server/registry/revision_waits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "core/error.h"

namespace qconfig {
namespace {

const auto kNotCancelled = [] { return false; };

v1::ErrorReason ReasonOf(const absl::Status& status) { return ItemErrorOf(status).reason(); }

// Calls wait for `revision_`, which tests set.
class RevisionWaitsTest : public testing::Test {
 protected:
  absl::StatusOr<bool> WaitFor(int revision, absl::Duration deadline = absl::InfiniteDuration()) {
    return waits_.WaitUntil(tenant_, deadline, kNotCancelled, [&]() -> absl::StatusOr<bool> {
      ++checks_;
      return revision_ >= revision;
    });
  }

  void WaitForCalls(size_t calls) {
    while (waits_.calls() != calls) std::this_thread::yield();
  }

  const TenantId tenant_ = TenantId::Default();
  std::atomic<int> revision_ = 1;
  std::atomic<int> checks_ = 0;
  RevisionWaits waits_{/*max_calls=*/1, /*max_wait=*/absl::Hours(1), Clock()};
};

TEST_F(RevisionWaitsTest, ReachedRevisionIsNotWaitedFor) {
  waits_.Stop();
  EXPECT_TRUE(WaitFor(1, -absl::InfiniteDuration()).value());
  EXPECT_EQ(checks_, 1);
}

TEST_F(RevisionWaitsTest, CallWaitsUntilItIsNotified) {
  std::thread waiter([this] { EXPECT_TRUE(WaitFor(2).value()); });
  WaitForCalls(1);
  revision_ = 2;
  waits_.Notify(tenant_);
  waiter.join();
  EXPECT_EQ(waits_.calls(), 0u);
}

TEST_F(RevisionWaitsTest, NotifyDuringACheckIsNotMissed) {
  // If it were, the call would wait for the next check, of which it allows none.
  int checks = 0;
  const auto reached = [&]() -> absl::StatusOr<bool> {
    if (++checks == 2) waits_.Notify(tenant_);
    return checks == 3;
  };
  const absl::Time start = absl::Now();
  EXPECT_TRUE(waits_.WaitUntil(tenant_, absl::InfiniteDuration(), kNotCancelled, reached).value());
  EXPECT_LT(absl::Now() - start, absl::Milliseconds(900)) << "it waited for the check of each second";
}

TEST_F(RevisionWaitsTest, OtherTenantsAreNotNotified) {
  std::thread waiter([this] { EXPECT_TRUE(WaitFor(2).value()); });
  WaitForCalls(1);
  waits_.Notify(TenantId::Parse("other", "tenant").value());
  EXPECT_EQ(waits_.calls(), 1u);
  revision_ = 2;
  waits_.Notify(tenant_);
  waiter.join();
}

TEST_F(RevisionWaitsTest, FailedCheckEndsTheWait) {
  const auto waited = waits_.WaitUntil(tenant_, absl::InfiniteDuration(), kNotCancelled,
                                       []() -> absl::StatusOr<bool> { return absl::UnavailableError("gone"); });
  EXPECT_EQ(waited.status().message(), "gone");
}

TEST_F(RevisionWaitsTest, CallsAreLimited) {
  std::thread waiter([this] { EXPECT_TRUE(WaitFor(2).value()); });
  WaitForCalls(1);
  const auto refused = WaitFor(2);
  EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_OVERLOADED);
  EXPECT_NE(refused.status().message().find("concurrency limit (1 calls waiting for a revision)"), std::string::npos);
  EXPECT_TRUE(WaitFor(1).value()) << "this one need not wait";
  revision_ = 2;
  waits_.Notify(tenant_);
  waiter.join();
}

TEST_F(RevisionWaitsTest, StopEndsAllWaits) {
  std::thread waiter([this] { EXPECT_EQ(ReasonOf(WaitFor(2).status()), v1::ERROR_REASON_SHUTTING_DOWN); });
  WaitForCalls(1);
  waits_.Stop();
  waiter.join();
  EXPECT_EQ(ReasonOf(WaitFor(2).status()), v1::ERROR_REASON_SHUTTING_DOWN);
}

TEST_F(RevisionWaitsTest, CancelledCallStopsWaiting) {
  const auto waited = waits_.WaitUntil(
      tenant_, absl::InfiniteDuration(), [] { return true; }, []() -> absl::StatusOr<bool> { return false; });
  EXPECT_FALSE(waited.value());
}

// Time passes only during checks.
TEST(RevisionWaitsClockTest, WaitEndsSoonBeforeTheDeadline) {
  const absl::Duration start = absl::Hours(5);
  for (const auto& [deadline, expected_wait] :
       {std::pair(start + absl::Seconds(10), absl::Seconds(10) - absl::Milliseconds(100)),
        std::pair(start + absl::Milliseconds(100), absl::Milliseconds(80)),
        std::pair(absl::InfiniteDuration(), absl::Minutes(2))}) {
    absl::Duration steady = start;
    const absl::Duration end = steady + expected_wait;
    RevisionWaits waits(1, /*max_wait=*/absl::Minutes(2), Clock(absl::Now, [&steady] { return steady; }));
    int checks = 0;
    const auto reached = [&]() -> absl::StatusOr<bool> {
      steady = ++checks == 1 ? end - absl::Milliseconds(1) : end;
      return false;
    };
    EXPECT_FALSE(waits.WaitUntil(TenantId::Default(), deadline, kNotCancelled, reached).value());
    EXPECT_EQ(checks, 2) << "after the first check there was a millisecond left";
  }
}

}  // namespace
}  // namespace qconfig
