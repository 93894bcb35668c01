// SPDX-License-Identifier: Apache-2.0
#include "server/base/fair_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/error.h"

namespace qconfig {
namespace {

constexpr absl::Duration kNoTime = -absl::InfiniteDuration();

// A test of turns for one processor. The processor time is that of the test.
class FairTurnsTest : public testing::Test {
 protected:
  void Compute(absl::Duration time) { cpu_ns_ += absl::ToInt64Nanoseconds(time); }

  void WaitFor(size_t waiting) {
    while (turns_.waiting() < waiting) std::this_thread::yield();
  }

  FairTurns::Turn Begin(const std::string& tenant) {
    return turns_.Begin(tenant, tenant, absl::InfiniteDuration()).value();
  }

  // Begins a large computation, which takes the only turn for those.
  FairTurns::Turn BeginLarge(const std::string& tenant) {
    FairTurns::Turn turn = Begin(tenant);
    EXPECT_TRUE(turn.Continue(absl::InfiniteDuration()).ok());
    return turn;
  }

  std::atomic<int64_t> cpu_ns_ = 0;
  FairTurns turns_{1, Clock(), [this] { return absl::Nanoseconds(cpu_ns_.load()); }};
};

TEST_F(FairTurnsTest, OneComputesForEachProcessorAndOneMoreIsSmall) {
  const FairTurns::Turn first = BeginLarge("a");
  const FairTurns::Turn second = turns_.Begin("b", "b", kNoTime).value();
  EXPECT_EQ(turns_.running(), 2u);
  const absl::Status third = turns_.Begin("c", "c", kNoTime).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(third)) << third;
  EXPECT_EQ(turns_.waiting(), 0u) << "it left the queue";
}

TEST_F(FairTurnsTest, AFreeTurnNeedsNoTime) { EXPECT_TRUE(turns_.Begin("a", "a", kNoTime).ok()); }

TEST_F(FairTurnsTest, ATurnEndsWhenItIsDestroyedOrMovedOver) {
  FairTurns::Turn turn = Begin("a");
  turn = FairTurns::Turn();
  EXPECT_FALSE(turn);
  EXPECT_EQ(turns_.running(), 0u);
  { const FairTurns::Turn other = Begin("a"); }
  EXPECT_EQ(turns_.running(), 0u);
}

TEST_F(FairTurnsTest, LargeComputationsOfTenantsTakeTurns) {
  FairTurns::Turn turn = BeginLarge("greedy");
  std::vector<std::string> order;  // written by the thread that has the turn for large computations
  std::vector<std::thread> threads;
  for (const char* name : {"greedy 1", "greedy 2", "greedy 3", "other 1", "other 2", "third 1"}) {
    threads.emplace_back([&, name = std::string(name)] {
      FairTurns::Turn mine = Begin(name.substr(0, name.find(' ')));
      ASSERT_TRUE(mine.Continue(absl::InfiniteDuration()).ok());
      order.push_back(name);
      Compute(absl::Milliseconds(10));
    });
    WaitFor(threads.size());
  }
  Compute(absl::Milliseconds(10));
  turn.End();
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(order.size(), 6u);
  EXPECT_THAT(std::vector<std::string>(order.begin(), order.begin() + 3),
              testing::UnorderedElementsAre("other 1", "third 1", testing::AnyOf("greedy 1", "other 2")));
  EXPECT_EQ(order.back(), "greedy 3");
}

TEST_F(FairTurnsTest, LetsOthersComputeAfterItsTime) {
  FairTurns::Turn turn = BeginLarge("a");
  std::atomic<bool> has_run = false;
  std::thread other([&] {
    const FairTurns::Turn mine = BeginLarge("b");
    has_run = true;
  });
  WaitFor(1);
  Compute(absl::Milliseconds(9));
  EXPECT_TRUE(turn.Continue(absl::InfiniteDuration()).ok());
  EXPECT_FALSE(has_run) << "it has time left";
  Compute(absl::Milliseconds(1));
  EXPECT_TRUE(turn.Continue(absl::InfiniteDuration()).ok());
  EXPECT_TRUE(has_run);
  other.join();
}

TEST_F(FairTurnsTest, ContinuesIfNobodyWaits) {
  FairTurns::Turn turn = BeginLarge("a");
  for (int i = 0; i < 10; ++i) {
    Compute(absl::Milliseconds(30));
    EXPECT_TRUE(turn.Continue(kNoTime).ok());
  }
  EXPECT_TRUE(turn);
}

TEST_F(FairTurnsTest, ATurnIsLostAtTheDeadline) {
  FairTurns::Turn turn = BeginLarge("a");
  std::atomic<bool> done = false;
  std::thread other([&] {
    const FairTurns::Turn mine = BeginLarge("b");
    while (!done) std::this_thread::yield();
  });
  WaitFor(1);
  Compute(absl::Milliseconds(10));
  EXPECT_TRUE(absl::IsDeadlineExceeded(turn.Continue(kNoTime)));
  EXPECT_FALSE(turn);
  EXPECT_TRUE(absl::IsDeadlineExceeded(turn.Continue(absl::InfiniteDuration())));
  EXPECT_TRUE(absl::IsDeadlineExceeded(turn.ContinueWithNext(absl::InfiniteDuration())));
  done = true;
  other.join();
  EXPECT_EQ(turns_.running(), 0u);
}

TEST_F(FairTurnsTest, TheNextComputationOfACallIsSmallAgain) {
  FairTurns::Turn batch = BeginLarge("a");
  EXPECT_TRUE(batch.is_large());
  EXPECT_TRUE(batch.ContinueWithNext(kNoTime).ok());
  EXPECT_FALSE(batch.is_large());
  const FairTurns::Turn large = BeginLarge("b");
  EXPECT_EQ(turns_.running(), 2u);
}

TEST_F(FairTurnsTest, OneTenantCannotFillTheQueue) {
  constexpr size_t kMaxWaiting = 64;
  FairTurns::Turn turn = BeginLarge("a");
  for (int i = 0; i < 10; ++i) {  // so that the tenant has used too much for an extra turn
    Compute(absl::Milliseconds(10));
    ASSERT_TRUE(turn.Continue(kNoTime).ok());
  }
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kMaxWaiting; ++i) threads.emplace_back([this] { const FairTurns::Turn mine = Begin("a"); });
  WaitFor(kMaxWaiting);
  const absl::Status rejected = turns_.Begin("a", "a", absl::InfiniteDuration()).status();
  EXPECT_EQ(ItemErrorOf(rejected).reason(), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(rejected.message(), "too many calls of the tenant wait for a processor; retry later");
  EXPECT_EQ(turns_.rejections(), 1);
  EXPECT_TRUE(turns_.Begin("b", "b", kNoTime).ok());
  turn.End();
  for (std::thread& thread : threads) thread.join();
}

TEST(ThreadCpuTimeTest, CountsOnlyTheTimeOfTheThread) {
  const absl::Duration before = ThreadCpuTime();
  std::thread([] {
    const absl::Duration begin = ThreadCpuTime();
    while (ThreadCpuTime() - begin < absl::Milliseconds(20)) {
    }
  }).join();
  EXPECT_LT(ThreadCpuTime() - before, absl::Milliseconds(15));
}

}  // namespace
}  // namespace qconfig
