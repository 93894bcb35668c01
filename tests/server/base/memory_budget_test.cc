// SPDX-License-Identifier: Apache-2.0
#include "server/base/memory_budget.h"

#include <gtest/gtest.h>

#include <memory>
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
  Waiter(MemoryBudget& budget, size_t bytes) {
    const size_t before = budget.waiting_calls();
    thread_ = std::thread([&budget, bytes, this] { memory_ = budget.Reserve(bytes, absl::InfiniteDuration()); });
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
  Counted first = budget.Reserve(60, -absl::InfiniteDuration()).value();
  const Counted second = budget.Reserve(40, -absl::InfiniteDuration()).value();
  EXPECT_EQ(budget.reserved_bytes(), 100u);
  EXPECT_TRUE(absl::IsDeadlineExceeded(budget.Reserve(1, -absl::InfiniteDuration()).status()));
  first.Reset();
  EXPECT_TRUE(budget.Reserve(60, -absl::InfiniteDuration()).ok());
  EXPECT_EQ(budget.reserved_bytes(), 40u);
  EXPECT_EQ(budget.waiting_calls(), 0u);
}

TEST(MemoryBudgetTest, LargerReservationsTakeAllMemory) {
  MemoryBudget budget(100);
  const Counted all = budget.Reserve(1000, -absl::InfiniteDuration()).value();
  EXPECT_EQ(budget.reserved_bytes(), 100u);
}

TEST(MemoryBudgetTest, ALargeReservationIsNotOvertaken) {
  MemoryBudget budget(100);
  Counted first = budget.Reserve(50, -absl::InfiniteDuration()).value();
  Waiter large(budget, 100);
  Waiter small(budget, 10);
  EXPECT_TRUE(absl::IsDeadlineExceeded(budget.Reserve(10, -absl::InfiniteDuration()).status()))
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
  const Counted first = budget.Reserve(50, -absl::InfiniteDuration()).value();
  std::thread large([&budget] {
    EXPECT_TRUE(absl::IsDeadlineExceeded(budget.Reserve(100, Clock().Steady() + absl::Milliseconds(50)).status()));
  });
  while (budget.waiting_calls() == 0) std::this_thread::yield();
  EXPECT_TRUE(budget.Reserve(50, absl::InfiniteDuration()).ok());
  large.join();
}

TEST(MemoryBudgetTest, BoundsHowManyCallsWait) {
  MemoryBudget budget(100, /*max_waiting_calls=*/1);
  Counted first = budget.Reserve(100, -absl::InfiniteDuration()).value();
  Waiter waiter(budget, 100);
  EXPECT_EQ(ReasonOf(budget.Reserve(1, absl::InfiniteDuration())), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(budget.rejections(), 1);
  first.Reset();
  waiter.Await();
}

TEST(MemoryBudgetTest, BoundsForHowMuchCallsWait) {
  MemoryBudget budget(1, /*max_waiting_calls=*/1000);
  Counted first = budget.Reserve(1, -absl::InfiniteDuration()).value();
  std::vector<std::unique_ptr<Waiter>> waiters;
  for (int i = 0; i < 16; ++i) waiters.push_back(std::make_unique<Waiter>(budget, 1));
  EXPECT_EQ(ReasonOf(budget.Reserve(1, absl::InfiniteDuration())), v1::ERROR_REASON_OVERLOADED);
  first.Reset();
  for (const auto& waiter : waiters) {
    waiter->Await();
    waiter->Release();
  }
}

}  // namespace
}  // namespace qconfig
