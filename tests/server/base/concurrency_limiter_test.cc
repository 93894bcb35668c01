// SPDX-License-Identifier: Apache-2.0
#include "server/base/concurrency_limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace qconfig {
namespace {

TEST(ConcurrencyLimiterTest, GrantsSlotsUpToTheLimit) {
  ConcurrencyLimiter limiter(2);
  const Counted first = limiter.Acquire("a", absl::ZeroDuration());
  Counted second = limiter.Acquire("a", absl::ZeroDuration());
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_FALSE(limiter.Acquire("a", absl::ZeroDuration()));
  second.Reset();
  EXPECT_TRUE(limiter.Acquire("a", absl::ZeroDuration()));
}

TEST(ConcurrencyLimiterTest, GrantsAFreeSlotWithANegativeTimeout) {
  ConcurrencyLimiter limiter(1);
  const Counted slot = limiter.Acquire("a", -absl::Hours(1));
  EXPECT_TRUE(slot) << "a free slot needs no wait";
  EXPECT_FALSE(limiter.Acquire("a", -absl::Hours(1)));
}

TEST(ConcurrencyLimiterTest, WaitsForASlot) {
  ConcurrencyLimiter limiter(1);
  Counted slot = limiter.Acquire("a", absl::ZeroDuration());
  std::thread waiter([&limiter] { EXPECT_TRUE(limiter.Acquire("a", absl::InfiniteDuration())); });
  slot.Reset();
  waiter.join();
}

TEST(ConcurrencyLimiterTest, ForgetsThreadsThatNoLongerWait) {
  ConcurrencyLimiter limiter(1);
  Counted slot = limiter.Acquire("a", absl::ZeroDuration());
  std::thread patient([&limiter] { EXPECT_TRUE(limiter.Acquire("a", absl::InfiniteDuration())); });
  while (limiter.waiting() < 1) std::this_thread::yield();
  EXPECT_FALSE(limiter.Acquire("a", absl::Milliseconds(1)));
  EXPECT_FALSE(limiter.Acquire("b", absl::Milliseconds(1)));
  EXPECT_EQ(limiter.waiting(), 1u);
  slot.Reset();
  patient.join();
  EXPECT_TRUE(limiter.Acquire("b", absl::ZeroDuration()));
}

TEST(ConcurrencyLimiterTest, FlowsTakeTurns) {
  ConcurrencyLimiter limiter(1);
  Counted slot = limiter.Acquire("greedy", absl::ZeroDuration());
  std::vector<std::string> order;  // written by the thread that has the slot
  std::vector<std::thread> threads;
  for (const char* name : {"greedy 1", "greedy 2", "greedy 3", "other 1", "other 2", "third 1"}) {
    threads.emplace_back([&, name = std::string(name)] {
      const Counted mine = limiter.Acquire(name.substr(0, name.find(' ')), absl::InfiniteDuration());
      order.push_back(name);
    });
    while (limiter.waiting() < threads.size()) std::this_thread::yield();
  }
  slot.Reset();
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(order, testing::ElementsAre("greedy 1", "other 1", "third 1", "greedy 2", "other 2", "greedy 3"));
}

TEST(ConcurrencyLimiterTest, AThreadCannotOvertakeOneThatWaits) {
  ConcurrencyLimiter limiter(1);
  Counted slot = limiter.Acquire("a", absl::ZeroDuration());
  bool has_run = false;
  std::thread waiter([&] {
    const Counted mine = limiter.Acquire("b", absl::InfiniteDuration());
    has_run = true;
  });
  while (limiter.waiting() < 1) std::this_thread::yield();
  slot.Reset();
  slot = limiter.Acquire("a", absl::InfiniteDuration());
  EXPECT_TRUE(has_run);
  slot.Reset();
  waiter.join();
}

}  // namespace
}  // namespace qconfig
