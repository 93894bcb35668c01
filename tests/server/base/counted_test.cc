// SPDX-License-Identifier: Apache-2.0
#include "server/base/counted.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

namespace qconfig {
namespace {

// Increments `count` until the result is destroyed.
Counted CountIn(int& count) {
  ++count;
  return Counted([&count] { --count; });
}

TEST(CountedTest, CountsDuringItsLifetime) {
  int count = 0;
  {
    const Counted counted = CountIn(count);
    EXPECT_TRUE(counted);
    EXPECT_EQ(count, 1);
  }
  EXPECT_EQ(count, 0);
}

TEST(CountedTest, CountsNothingByDefault) {
  Counted counted;
  EXPECT_FALSE(counted);
  counted.Reset();
}

TEST(CountedTest, ResetStopsCountingOnce) {
  int count = 0;
  Counted counted = CountIn(count);
  counted.Reset();
  EXPECT_FALSE(counted);
  EXPECT_EQ(count, 0);
  counted.Reset();
  EXPECT_EQ(count, 0);
}

TEST(CountedTest, MovingCountsOnce) {
  int count = 0;
  std::optional<Counted> first = CountIn(count);
  Counted second(*std::move(first));
  first.reset();
  EXPECT_EQ(count, 1);
  EXPECT_TRUE(second);
  Counted third;
  third = std::move(second);
  EXPECT_EQ(count, 1);
  EXPECT_TRUE(third);
}

TEST(CountedTest, AssignmentStopsCountingTheOldValue) {
  int one = 0;
  int other = 0;
  Counted counted = CountIn(one);
  counted = CountIn(other);
  EXPECT_EQ(one, 0);
  EXPECT_EQ(other, 1);
}

TEST(CountedTest, KeepsItsCapturesUntilItStopsCounting) {
  auto count = std::make_shared<int>(1);
  const std::weak_ptr<int> alive = count;
  Counted counted([kept = std::move(count)] { --*kept; });
  EXPECT_FALSE(alive.expired());
  counted.Reset();
  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace qconfig
