// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "absl/synchronization/notification.h"
#include "server/running_calls.h"

namespace qconfig {
namespace {

TEST(RunningCallsTest, CallCountsUntilItsAnswerIsSent) {
  const auto calls = std::make_shared<RunningCalls>();
  std::shared_ptr<void> handler = calls->Enter();
  std::shared_ptr<void> answer = handler;
  handler.reset();
  absl::Notification drained;
  std::thread drain([&] {
    calls->Drain(absl::Hours(1));
    drained.Notify();
  });
  while (calls->Enter() != nullptr) std::this_thread::yield();  // until draining has begun
  EXPECT_FALSE(drained.HasBeenNotified());
  answer.reset();
  drain.join();
}

TEST(RunningCallsTest, DrainEndsAfterItsGrace) {
  const auto calls = std::make_shared<RunningCalls>();
  const std::shared_ptr<void> stuck = calls->Enter();
  calls->Drain(absl::ZeroDuration());
  EXPECT_EQ(calls->Enter(), nullptr);
}

TEST(RunningCallsTest, AnswerMayOutliveTheService) {
  auto calls = std::make_shared<RunningCalls>();
  std::shared_ptr<void> answer = calls->Enter();
  calls.reset();
  answer.reset();
}

}  // namespace
}  // namespace qconfig
