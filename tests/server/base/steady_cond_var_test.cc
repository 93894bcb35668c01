// SPDX-License-Identifier: Apache-2.0
#include "server/base/steady_cond_var.h"

#include <gtest/gtest.h>

#include <thread>

namespace qconfig {
namespace {

constexpr absl::Duration kLong = absl::Hours(1);

TEST(SteadyCondVarTest, AwaitReturnsWhenTheConditionIsMet) {
  absl::Mutex mutex;
  SteadyCondVar changed;
  bool is_set = false;
  std::thread setter([&] {
    const absl::MutexLock lock(&mutex);
    is_set = true;
    changed.Signal();
  });
  {
    const absl::MutexLock lock(&mutex);
    EXPECT_TRUE(changed.AwaitWithTimeout(
        &mutex, [&] { return is_set; }, absl::InfiniteDuration()));
  }
  setter.join();
}

TEST(SteadyCondVarTest, AwaitEndsAfterTheTimeout) {
  absl::Mutex mutex;
  SteadyCondVar changed;
  const Clock clock;
  const absl::Duration start = clock.Steady();
  const absl::MutexLock lock(&mutex);
  EXPECT_FALSE(changed.AwaitWithTimeout(
      &mutex, [] { return false; }, absl::Milliseconds(2)));
  EXPECT_GE(clock.Steady() - start, absl::Milliseconds(2));
  EXPECT_FALSE(changed.AwaitWithTimeout(
      &mutex, [] { return false; }, -absl::InfiniteDuration()));
  EXPECT_TRUE(changed.AwaitWithTimeout(
      &mutex, [] { return true; }, -absl::InfiniteDuration()))
      << "a condition that is met needs no time";
}

TEST(SteadyCondVarTest, SignalAllWakesAllAndTheMutexIsReleasedMeanwhile) {
  absl::Mutex mutex;
  SteadyCondVar changed;
  int waiting = 0;
  bool is_set = false;
  const auto wait = [&] {
    const absl::MutexLock lock(&mutex);
    ++waiting;
    EXPECT_TRUE(changed.AwaitWithTimeout(
        &mutex, [&] { return is_set; }, kLong));
  };
  std::thread first(wait), second(wait);
  const auto both_wait = [&] { return waiting == 2; };
  {
    const absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&both_wait));
    is_set = true;
    changed.SignalAll();
  }
  first.join();
  second.join();
}

}  // namespace
}  // namespace qconfig
