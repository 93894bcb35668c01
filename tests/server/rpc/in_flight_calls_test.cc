// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/in_flight_calls.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
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
  Counted handler = calls->Enter("peer").value();
  Counted answer = calls->Send("peer", 10).value();
  handler.Reset();
  absl::Notification drained;
  std::thread drain([&] {
    EXPECT_EQ(calls->Drain(absl::Hours(1)), 0);
    drained.Notify();
  });
  while (calls->Enter("peer").ok()) std::this_thread::yield();  // until draining has begun
  EXPECT_FALSE(drained.HasBeenNotified());
  answer.Reset();
  drain.join();
}

TEST(InFlightCallsTest, CachedAnswersTakeNoSlots) {
  const auto calls = std::make_shared<InFlightCalls>(1, 100);
  const auto working = calls->Enter("peer");
  ASSERT_TRUE(working.ok());
  Counted answer = calls->EnterToSend("peer", 50);
  ASSERT_TRUE(answer);
  EXPECT_EQ(calls->sending(), 1u);
  EXPECT_EQ(calls->sending_bytes(), 50u);
  EXPECT_FALSE(calls->EnterToSend("peer", 1)) << "more bytes than are left for others";
  answer.Reset();
  EXPECT_EQ(calls->running(), 1u);
  calls->Drain(absl::ZeroDuration());
  EXPECT_FALSE(calls->EnterToSend("peer", 0));
}

TEST(InFlightCallsTest, DrainEndsAfterTheGracePeriod) {
  const auto calls = std::make_shared<InFlightCalls>();
  const auto stuck = calls->Enter("peer");
  const auto unread = calls->Send("peer", 10);
  EXPECT_EQ(calls->Drain(absl::ZeroDuration()), 2);
  EXPECT_EQ(ReasonOf(calls->Enter("peer")), v1::ERROR_REASON_SHUTTING_DOWN);
}

TEST(InFlightCallsTest, DrainRejectsLateCallsUntilNoneArrive) {
  const auto calls = std::make_shared<InFlightCalls>();
  absl::Notification drained;
  std::thread drain([&] {
    EXPECT_EQ(calls->Drain(absl::Hours(1)), 0);
    drained.Notify();
  });
  while (calls->Enter("peer").ok()) std::this_thread::yield();  // until draining has begun
  const absl::Time begin = absl::Now();
  while (!drained.HasBeenNotified()) {
    EXPECT_EQ(ReasonOf(calls->Enter("peer")), v1::ERROR_REASON_SHUTTING_DOWN);
    std::this_thread::yield();
  }
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(25)) << "at least half of the quiet period";
  drain.join();
}

TEST(InFlightCallsTest, AnswerMayOutliveInFlightCalls) {
  auto calls = std::make_shared<InFlightCalls>();
  Counted answer = calls->Send("peer", 10).value();
  calls.reset();
  answer.Reset();
}

TEST(InFlightCallsTest, CallsAboveTheLimitAreOverloaded) {
  const auto calls = std::make_shared<InFlightCalls>(2, 100);
  auto first = calls->Enter("peer");
  const auto second = calls->Enter("peer");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(ReasonOf(calls->Enter("peer")), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(calls->working(), 2);
  first->Reset();
  EXPECT_TRUE(calls->Enter("peer").ok());
  EXPECT_EQ(calls->running(), 1);
}

TEST(InFlightCallsTest, ConnectionsShareTheRoomForBytes) {
  const auto calls = std::make_shared<InFlightCalls>(2, 400'000);
  std::vector<Counted> held;
  const auto send = [&](const char* peer, size_t bytes) {
    absl::StatusOr<Counted> sending = calls->Send(peer, bytes);
    if (!sending.ok()) return ReasonOf(sending);
    held.push_back(*std::move(sending));
    return v1::ERROR_REASON_UNSPECIFIED;
  };
  EXPECT_EQ(send("a", 100'000), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(send("a", 100'000), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(send("a", 1), v1::ERROR_REASON_OVERLOADED) << "as many as are left for others";
  EXPECT_EQ(ReasonOf(calls->Enter("a")), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(send("b", 130'000), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ReasonOf(calls->Enter("a")), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(ReasonOf(calls->Enter("b")), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(send("c", 70'000), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(calls->sending_bytes(), 400'000u);
  EXPECT_EQ(send("d", 64 << 10), v1::ERROR_REASON_UNSPECIFIED) << "the first small answer of a connection";
  EXPECT_EQ(send("e", 66'000), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(ReasonOf(calls->Enter("e")), v1::ERROR_REASON_UNSPECIFIED);
  held.clear();
  EXPECT_EQ(calls->sending_bytes(), 0u);
  EXPECT_EQ(send("e", 500'000), v1::ERROR_REASON_UNSPECIFIED) << "a single answer may exceed the limit";
}

TEST(InFlightCallsTest, ConnectionsShareTheRoomForAnswers) {
  const auto calls = std::make_shared<InFlightCalls>();
  std::vector<Counted> held;
  const auto fill = [&](const std::string& peer) {
    const size_t before = held.size();
    while (Counted one = calls->EnterToSend(peer, 0)) held.push_back(std::move(one));
    return held.size() - before;
  };
  EXPECT_EQ(fill("a"), 320u) << "a client that reads may have 256 answers and a few more in transmission";
  EXPECT_EQ(fill("b"), 160u);
  EXPECT_EQ(ReasonOf(calls->Enter("a")), v1::ERROR_REASON_OVERLOADED);
  for (int i = 0; i < 10'000; ++i) EXPECT_GE(fill(std::to_string(i)), 1u);
  EXPECT_EQ(ReasonOf(calls->Enter("another")), v1::ERROR_REASON_UNSPECIFIED);
  held.clear();
  EXPECT_EQ(calls->sending(), 0u);
  EXPECT_EQ(fill("a"), 320u);
}

TEST(InFlightCallsTest, ErrorSaysThatTheClientDoesNotRead) {
  const auto calls = std::make_shared<InFlightCalls>(2, 100);
  const auto unread = calls->Send("peer", 90);
  EXPECT_EQ(calls->Enter("peer").status().message(),
            "the client has not read 1 answer with 90 bytes on this connection; read them, then retry");
}

}  // namespace
}  // namespace qconfig
