// SPDX-License-Identifier: Apache-2.0
#include "server/base/memory_budget.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "core/error.h"

namespace qconfig {
namespace {

v1::ErrorReason ReasonOf(const absl::StatusOr<Counted>& reserved) { return ItemErrorOf(reserved.status()).reason(); }

// Reserves memory on a thread of its own, and holds it until Release().
class Waiter {
 public:
  Waiter(MemoryBudget& budget, size_t bytes, const std::string& caller = "a") {
    const size_t before = budget.waiting_calls();
    thread_ = std::thread(
        [&budget, bytes, caller, this] { memory_ = budget.Reserve(caller, bytes, absl::InfiniteDuration()); });
    while (budget.waiting_calls() == before) std::this_thread::yield();
  }

  // Returns when it has the memory.
  void Await() { thread_.join(); }
  void Release() { memory_->Reset(); }

 private:
  absl::StatusOr<Counted> memory_;
  std::thread thread_;
};

TEST(MemoryBudgetTest, ReservesUpToTheLimit) {
  MemoryBudget budget(100);
  Counted first = budget.Reserve("a", 60, -absl::InfiniteDuration()).value();
  const Counted second = budget.Reserve("a", 40, -absl::InfiniteDuration()).value();
  EXPECT_EQ(budget.reserved_bytes(), 100u);
  EXPECT_TRUE(absl::IsDeadlineExceeded(budget.Reserve("a", 1, -absl::InfiniteDuration()).status()));
  first.Reset();
  EXPECT_TRUE(budget.Reserve("a", 60, -absl::InfiniteDuration()).ok());
  EXPECT_EQ(budget.reserved_bytes(), 40u);
  EXPECT_EQ(budget.waiting_calls(), 0u);
}

TEST(MemoryBudgetTest, LargerReservationsTakeAllMemory) {
  MemoryBudget budget(100);
  const Counted all = budget.Reserve("a", 1000, -absl::InfiniteDuration()).value();
  EXPECT_EQ(budget.reserved_bytes(), 100u);
}

TEST(MemoryBudgetTest, ALargeReservationIsNotOvertaken) {
  MemoryBudget budget(100);
  Counted first = budget.Reserve("a", 50, -absl::InfiniteDuration()).value();
  Waiter large(budget, 100);
  Waiter small(budget, 10);
  EXPECT_TRUE(absl::IsDeadlineExceeded(budget.Reserve("a", 10, -absl::InfiniteDuration()).status()))
      << "although 50 are free";
  first.Reset();
  large.Await();
  EXPECT_EQ(budget.reserved_bytes(), 100u);
  EXPECT_EQ(budget.waiting_calls(), 1u);
  large.Release();
  small.Await();
  EXPECT_EQ(budget.reserved_bytes(), 10u);
}

TEST(MemoryBudgetTest, ACallThatGivesUpDoesNotBlockTheNext) {
  MemoryBudget budget(100);
  const Counted first = budget.Reserve("a", 50, -absl::InfiniteDuration()).value();
  std::thread large([&budget] {
    EXPECT_TRUE(absl::IsDeadlineExceeded(budget.Reserve("a", 100, Clock().Steady() + absl::Milliseconds(50)).status()));
  });
  while (budget.waiting_calls() == 0) std::this_thread::yield();
  EXPECT_TRUE(budget.Reserve("a", 50, absl::InfiniteDuration()).ok());
  large.join();
}

TEST(MemoryBudgetTest, BoundsHowManyCallsWait) {
  MemoryBudget budget(100, /*max_waiting_calls=*/1);
  Counted first = budget.Reserve("a", 100, -absl::InfiniteDuration()).value();
  Waiter waiter(budget, 100);
  EXPECT_EQ(ReasonOf(budget.Reserve("a", 1, absl::InfiniteDuration())), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(budget.rejections(), 1);
  first.Reset();
  waiter.Await();
}

TEST(MemoryBudgetTest, BoundsForHowMuchCallsWait) {
  MemoryBudget budget(1, /*max_waiting_calls=*/1000);
  Counted first = budget.Reserve("a", 1, -absl::InfiniteDuration()).value();
  std::vector<std::unique_ptr<Waiter>> waiters;
  for (int i = 0; i < 8; ++i) waiters.push_back(std::make_unique<Waiter>(budget, 1));
  EXPECT_EQ(ReasonOf(budget.Reserve("a", 1, absl::InfiniteDuration())), v1::ERROR_REASON_OVERLOADED) << "half of all";
  for (int i = 0; i < 8; ++i) waiters.push_back(std::make_unique<Waiter>(budget, 1, "b"));
  EXPECT_EQ(ReasonOf(budget.Reserve("c", 1, absl::InfiniteDuration())), v1::ERROR_REASON_OVERLOADED);
  first.Reset();
  for (size_t i = 0; i < 8; ++i) {
    for (const size_t next : {i, 8 + i}) {
      waiters[next]->Await();
      waiters[next]->Release();
    }
  }
}

TEST(MemoryBudgetTest, CallersTakeTurns) {
  MemoryBudget budget(100);
  Counted first = budget.Reserve("greedy", 100, -absl::InfiniteDuration()).value();
  Waiter next_of_greedy(budget, 100, "greedy");
  Waiter last_of_greedy(budget, 100, "greedy");
  Waiter other(budget, 100, "other");
  first.Reset();
  next_of_greedy.Await();
  next_of_greedy.Release();
  other.Await();
  other.Release();
  last_of_greedy.Await();
}

TEST(MemoryBudgetTest, ACallerWithoutMemoryHasALittleMoreThanThereIs) {
  MemoryBudget budget(160);
  Counted all = budget.Reserve("greedy", 160, -absl::InfiniteDuration()).value();
  Waiter greedy(budget, 160, "greedy");
  std::vector<Counted> others;
  for (const char* caller : {"a", "b", "c", "d"}) {
    others.push_back(budget.Reserve(caller, 10, -absl::InfiniteDuration()).value());
  }
  EXPECT_EQ(budget.reserved_bytes(), 200u);
  EXPECT_FALSE(budget.Reserve("e", 10, -absl::InfiniteDuration()).ok()) << "it is a quarter at most";
  others.pop_back();
  EXPECT_FALSE(budget.Reserve("c", 10, -absl::InfiniteDuration()).ok()) << "the caller has 10 already";
  EXPECT_FALSE(budget.Reserve("f", 11, -absl::InfiniteDuration()).ok()) << "that is not little";
  EXPECT_TRUE(budget.Reserve("f", 10, -absl::InfiniteDuration()).ok());
  EXPECT_FALSE(budget.Reserve("greedy", 10, -absl::InfiniteDuration()).ok());
  others.clear();
  all.Reset();
  greedy.Await();
}

}  // namespace
}  // namespace qconfig
