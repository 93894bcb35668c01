// SPDX-License-Identifier: Apache-2.0
#include "server/base/concurrency_limiter.h"

#include <gtest/gtest.h>

#include <thread>

namespace qconfig {
namespace {

TEST(ConcurrencyLimiterTest, GrantsSlotsUpToTheLimit) {
  ConcurrencyLimiter limiter(2);
  const Counted first = limiter.Acquire(absl::ZeroDuration());
  Counted second = limiter.Acquire(absl::ZeroDuration());
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_FALSE(limiter.Acquire(absl::ZeroDuration()));
  second.Reset();
  EXPECT_TRUE(limiter.Acquire(absl::ZeroDuration()));
}

TEST(ConcurrencyLimiterTest, GrantsAFreeSlotWithANegativeTimeout) {
  ConcurrencyLimiter limiter(1);
  const Counted slot = limiter.Acquire(-absl::Hours(1));
  EXPECT_TRUE(slot) << "a free slot needs no wait";
  EXPECT_FALSE(limiter.Acquire(-absl::Hours(1)));
}

TEST(ConcurrencyLimiterTest, WaitsForASlot) {
  ConcurrencyLimiter limiter(1);
  Counted slot = limiter.Acquire(absl::ZeroDuration());
  std::thread waiter([&limiter] { EXPECT_TRUE(limiter.Acquire(absl::InfiniteDuration())); });
  slot.Reset();
  waiter.join();
}

}  // namespace
}  // namespace qconfig
