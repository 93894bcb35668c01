// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/in_flight_calls.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "core/error.h"

namespace qconfig {
namespace {

v1::ErrorReason ReasonOf(const absl::StatusOr<Counted>& entered) { return ItemErrorOf(entered.status()).reason(); }

TEST(InFlightCallsTest, CallIsInFlightUntilItsAnswerIsSent) {
  const auto calls = std::make_shared<InFlightCalls>();
  Counted handler = calls->Enter().value();
  Counted answer = calls->Send(10);
  handler.Reset();
  absl::Notification drained;
  std::thread drain([&] {
    EXPECT_EQ(calls->Drain(absl::Hours(1)), 0);
    drained.Notify();
  });
  while (calls->Enter().ok()) std::this_thread::yield();  // until draining has begun
  EXPECT_FALSE(drained.HasBeenNotified());
  answer.Reset();
  drain.join();
}

TEST(InFlightCallsTest, CachedAnswersTakeNoSlots) {
  const auto calls = std::make_shared<InFlightCalls>(1, 100);
  const auto working = calls->Enter();
  ASSERT_TRUE(working.ok());
  Counted answer = calls->EnterToSend(99);
  ASSERT_TRUE(answer);
  EXPECT_EQ(calls->sending(), 1u);
  EXPECT_EQ(calls->sending_bytes(), 99u);
  Counted last = calls->EnterToSend(1);
  ASSERT_TRUE(last);
  EXPECT_FALSE(calls->EnterToSend(1)) << "more bytes than the limit";
  answer.Reset();
  last.Reset();
  EXPECT_EQ(calls->running(), 1u);

  std::vector<Counted> answers;
  while (Counted one = calls->EnterToSend(0)) answers.push_back(std::move(one));
  EXPECT_EQ(answers.size(), 256u + 64);
  answers.clear();
  calls->Drain(absl::ZeroDuration());
  EXPECT_FALSE(calls->EnterToSend(0));
}

TEST(InFlightCallsTest, DrainEndsAfterTheGracePeriod) {
  const auto calls = std::make_shared<InFlightCalls>();
  const auto stuck = calls->Enter();
  const auto unread = calls->Send(10);
  EXPECT_EQ(calls->Drain(absl::ZeroDuration()), 2);
  EXPECT_EQ(ReasonOf(calls->Enter()), v1::ERROR_REASON_SHUTTING_DOWN);
}

TEST(InFlightCallsTest, DrainRejectsLateCallsUntilNoneArrive) {
  const auto calls = std::make_shared<InFlightCalls>();
  absl::Notification drained;
  std::thread drain([&] {
    EXPECT_EQ(calls->Drain(absl::Hours(1)), 0);
    drained.Notify();
  });
  while (calls->Enter().ok()) std::this_thread::yield();  // until draining has begun
  const absl::Time begin = absl::Now();
  while (!drained.HasBeenNotified()) {
    EXPECT_EQ(ReasonOf(calls->Enter()), v1::ERROR_REASON_SHUTTING_DOWN);
    std::this_thread::yield();
  }
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(25)) << "at least half of the quiet period";
  drain.join();
}

TEST(InFlightCallsTest, AnswerMayOutliveInFlightCalls) {
  auto calls = std::make_shared<InFlightCalls>();
  Counted answer = calls->Send(10);
  calls.reset();
  answer.Reset();
}

TEST(InFlightCallsTest, CallsAboveTheLimitAreOverloaded) {
  const auto calls = std::make_shared<InFlightCalls>(2, 100);
  auto first = calls->Enter();
  const auto second = calls->Enter();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(ReasonOf(calls->Enter()), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(calls->working(), 2);
  first->Reset();
  EXPECT_TRUE(calls->Enter().ok());
  EXPECT_EQ(calls->running(), 1);
}

TEST(InFlightCallsTest, UnreadAnswersCauseOverload) {
  const auto calls = std::make_shared<InFlightCalls>(2, 100);
  const Counted small = calls->Send(10);
  EXPECT_TRUE(calls->Enter().ok());
  Counted large = calls->Send(90);
  EXPECT_EQ(ReasonOf(calls->Enter()), v1::ERROR_REASON_OVERLOADED) << "too many bytes";
  EXPECT_EQ(calls->sending(), 2);
  EXPECT_EQ(calls->sending_bytes(), 100);
  large.Reset();
  EXPECT_TRUE(calls->Enter().ok());
  std::vector<Counted> many;
  while (many.size() < 100) many.push_back(calls->Send(0));
  EXPECT_EQ(ReasonOf(calls->Enter()), v1::ERROR_REASON_OVERLOADED) << "too many answers";
  many.clear();
  EXPECT_TRUE(calls->Enter().ok());
}

}  // namespace
}  // namespace qconfig
