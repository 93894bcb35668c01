// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/in_flight_calls.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "core/error.h"

namespace qconfig {
namespace {

std::string Peer() { return "ipv4:127.0.0.1:40312"; }

v1::ErrorReason ReasonOf(const absl::StatusOr<Counted>& entered) { return ItemErrorOf(entered.status()).reason(); }

TEST(InFlightCallsTest, CallIsInFlightUntilItsAnswerIsSent) {
  const auto calls = std::make_shared<InFlightCalls>();
  Counted handler = calls->Enter(Peer).value();
  Counted answer = calls->Send(Peer, 10, false).value();
  handler.Reset();
  absl::Notification drained;
  std::thread drain([&] {
    EXPECT_EQ(calls->Drain(absl::Hours(1)), 0);
    drained.Notify();
  });
  while (calls->Enter(Peer).ok()) std::this_thread::yield();  // until draining has begun
  EXPECT_FALSE(drained.HasBeenNotified());
  answer.Reset();
  drain.join();
}

TEST(InFlightCallsTest, CachedAnswersTakeNoSlots) {
  const auto calls = std::make_shared<InFlightCalls>(1);
  const auto working = calls->Enter(Peer);
  ASSERT_TRUE(working.ok());
  Counted answer = calls->EnterToSend(Peer, 50);
  ASSERT_TRUE(answer);
  EXPECT_EQ(calls->sending(), 1u);
  EXPECT_EQ(calls->sending_bytes(), 50u);
  answer.Reset();
  EXPECT_EQ(calls->running(), 1u);
  calls->Drain(absl::ZeroDuration());
  EXPECT_FALSE(calls->EnterToSend(Peer, 0));
}

TEST(InFlightCallsTest, DrainEndsAfterTheGracePeriod) {
  const auto calls = std::make_shared<InFlightCalls>();
  const auto stuck = calls->Enter(Peer);
  const auto unread = calls->Send(Peer, 10, false);
  EXPECT_EQ(calls->Drain(absl::ZeroDuration()), 2);
  EXPECT_EQ(ReasonOf(calls->Enter(Peer)), v1::ERROR_REASON_SHUTTING_DOWN);
}

TEST(InFlightCallsTest, DrainRejectsLateCallsUntilNoneArrive) {
  const auto calls = std::make_shared<InFlightCalls>();
  absl::Notification drained;
  std::thread drain([&] {
    EXPECT_EQ(calls->Drain(absl::Hours(1)), 0);
    drained.Notify();
  });
  while (calls->Enter(Peer).ok()) std::this_thread::yield();  // until draining has begun
  const absl::Time begin = absl::Now();
  while (!drained.HasBeenNotified()) {
    EXPECT_EQ(ReasonOf(calls->Enter(Peer)), v1::ERROR_REASON_SHUTTING_DOWN);
    std::this_thread::yield();
  }
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(25)) << "at least half of the quiet period";
  drain.join();
}

TEST(InFlightCallsTest, AnswerMayOutliveInFlightCalls) {
  auto calls = std::make_shared<InFlightCalls>();
  Counted answer = calls->Send(Peer, 10, false).value();
  calls.reset();
  answer.Reset();
}

TEST(InFlightCallsTest, CallsAboveTheLimitAreOverloaded) {
  const auto calls = std::make_shared<InFlightCalls>(2, 100);
  auto first = calls->Enter(Peer);
  const auto second = calls->Enter(Peer);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(ReasonOf(calls->Enter(Peer)), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(calls->working(), 2);
  first->Reset();
  EXPECT_TRUE(calls->Enter(Peer).ok());
  EXPECT_EQ(calls->running(), 1);
}

TEST(InFlightCallsTest, ACallerWithManyCallsLeavesPlacesForOthers) {
  const auto calls = std::make_shared<InFlightCalls>(100);
  std::vector<Counted> entered;
  const auto enter = [&](const std::string& peer, const std::string& principal = "") {
    auto call = calls->Enter([&] { return peer; }, principal);
    const v1::ErrorReason reason = ReasonOf(call);
    if (call.ok()) entered.push_back(*std::move(call));
    return reason;
  };
  int greedy = 0;
  while (enter("greedy") == v1::ERROR_REASON_UNSPECIFIED) ++greedy;
  EXPECT_EQ(greedy, 75);
  EXPECT_EQ(calls->rejected_above_share(), 1);
  // With a share of 100 / (2 + 1).
  int other = 0;
  while (enter("other", "farm") == v1::ERROR_REASON_UNSPECIFIED) ++other;
  EXPECT_EQ(other, 25);
  EXPECT_EQ(calls->rejected_at_limit(), 1);
  entered.resize(90);  // 75 of greedy, 15 of the farm
  EXPECT_EQ(enter("elsewhere", "farm"), v1::ERROR_REASON_UNSPECIFIED) << "a principal may have many connections";
  for (int i = 0; i < 4; ++i) EXPECT_EQ(enter("new"), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(enter("greedy"), v1::ERROR_REASON_OVERLOADED);
  entered.clear();
  EXPECT_EQ(calls->working(), 0u);
  EXPECT_EQ(enter("greedy"), v1::ERROR_REASON_UNSPECIFIED);
}

class InFlightAnswersTest : public testing::Test {
 protected:
  // Sends an answer, which stays unread. Returns the message of the error; empty: it was sent.
  std::string Send(const std::string& peer, size_t bytes, bool required = false) {
    absl::StatusOr<Counted> sending = calls_->Send([&peer] { return peer; }, bytes, required);
    if (sending.ok()) unread_.push_back(*std::move(sending));
    return std::string(sending.status().message());
  }

  // The number of cached answers of `bytes` for which there is room.
  size_t Fill(const std::string& peer, size_t bytes) {
    const size_t before = unread_.size();
    while (Counted one = calls_->EnterToSend([&peer] { return peer; }, bytes)) unread_.push_back(std::move(one));
    return unread_.size() - before;
  }

  std::shared_ptr<InFlightCalls> calls_ = std::make_shared<InFlightCalls>();
  std::vector<Counted> unread_;
};

TEST_F(InFlightAnswersTest, AboveAQuarterEachConnectionGetsAsManyBytesAsAreLeft) {
  EXPECT_EQ(Fill("a", 1u << 20), 64u + 96);
  EXPECT_EQ(Fill("b", 1u << 20), 48u);
  EXPECT_EQ(Fill("c", 1u << 20), 24u);
  EXPECT_EQ(Send("d", 12u << 20), "");
  EXPECT_EQ(Send("e", 12u << 20), "other clients have left too many answers unread; retry later");
  EXPECT_EQ(Send("e", 6u << 20), "");
  EXPECT_EQ(Send("a", 1u << 20),
            "the client has not read 96 answers with 100663296 bytes on this connection; read them, then retry");
  unread_.clear();
  EXPECT_EQ(calls_->sending_bytes(), 0u);
  EXPECT_EQ(Fill("b", 1u << 20), 64u + 96);
}

TEST_F(InFlightAnswersTest, AboveAQuarterEachConnectionGetsAsManyAnswersAsAreLeft) {
  EXPECT_EQ(Fill("a", 0), 160u + 240) << "a client that reads may have 256 answers and a few more in transmission";
  EXPECT_EQ(Fill("b", 0), 120u);
  EXPECT_EQ(ReasonOf(calls_->Enter([] { return "a"; })), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(ReasonOf(calls_->Enter([] { return "c"; })), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(InFlightAnswersTest, SmallAnswersHaveRoomOfTheirOwn) {
  calls_ = std::make_shared<InFlightCalls>(10'000);  // so that only bytes are short
  for (const size_t bytes : {1u << 20, 16u << 10, 1u << 10}) {
    for (int i = 0; i < 20; ++i) Fill(absl::StrCat(bytes, " ", i), bytes);
  }
  EXPECT_EQ(Fill("reader", 64u << 10), 4u);
  EXPECT_EQ(Fill("another reader", 1000), 16u);
  for (int i = 0; i < 10'000; ++i) Fill(absl::StrCat("many ", i), 64u << 10);
  for (int i = 0; i < 100; ++i) Fill(absl::StrCat("few ", i), 1000);
  EXPECT_LE(calls_->sending_bytes(), 320u << 20) << "not without limit";
  EXPECT_FALSE(calls_->EnterToSend([] { return "last"; }, 1000));
  EXPECT_EQ(Send("last", 1000), "") << "the handler has run already";
}

TEST_F(InFlightAnswersTest, AnswersOfWritesAreNeverRejected) {
  for (int i = 0; i < 20; ++i) Fill(std::to_string(i), 1u << 20);
  EXPECT_NE(Send("writer", 1u << 20), "");
  EXPECT_EQ(Send("writer", 1u << 20, /*required=*/true), "");
}

TEST_F(InFlightAnswersTest, CallsAreRejectedUntilThereIsRoomForTheLastAnswer) {
  EXPECT_EQ(Send("a", 100u << 20), "");
  EXPECT_NE(Send("a", 100u << 20), "");
  EXPECT_EQ(ReasonOf(calls_->Enter([] { return "a"; })), v1::ERROR_REASON_OVERLOADED)
      << "another answer would be rejected, too";
  EXPECT_EQ(calls_->rejected_for_unread(), 2);
  unread_.clear();
  EXPECT_EQ(ReasonOf(calls_->Enter([] { return "a"; })), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(InFlightAnswersTest, AHostGetsTwiceAsMuchAsAConnection) {
  size_t greedy = 0;
  for (int i = 0; i < 100; ++i) greedy += Fill(absl::StrCat("ipv4:192.0.2.1:", i), 1u << 20);
  EXPECT_EQ(greedy, 64u + 128) << "the first quarter, and two thirds of the rest";
  EXPECT_EQ(Fill("ipv4:192.0.2.2:1", 1u << 20), 32u) << "half of what is left";
  EXPECT_EQ(Send("ipv4:192.0.2.1:101", 200u << 10), "") << "small answers have room of their own";
}

TEST_F(InFlightAnswersTest, CancelsCallsWhoseAnswersStayUnread) {
  absl::Duration now;
  calls_ = std::make_shared<InFlightCalls>(256, 8u << 20, Clock(absl::Now, [&now] { return now; }));
  int cancelled = 0;
  const auto cancel = [&cancelled] { return [&cancelled] { ++cancelled; }; };
  std::vector<Counted> answers;
  for (int i = 0; i < 4; ++i) answers.push_back(calls_->EnterToSend(Peer, 1u << 20, cancel));
  answers.push_back(calls_->Send(Peer, 1u << 20, /*required=*/true, &cancelled, cancel).value());
  now = absl::Seconds(31) - absl::Nanoseconds(1);
  calls_->CancelUnread();
  EXPECT_EQ(cancelled, 0);
  answers.pop_back();  // it was read in time
  now = absl::Seconds(31);
  calls_->CancelUnread();
  calls_->CancelUnread();
  EXPECT_EQ(cancelled, 2) << "once each, but not those in the first quarter";
  EXPECT_EQ(calls_->cancelled_for_unread(), 2);
  answers.push_back(calls_->Send(Peer, 1u << 20, /*required=*/true, &cancelled, cancel).value());
  calls_->Ended(&cancelled);
  now = absl::Hours(1);
  calls_->CancelUnread();
  EXPECT_EQ(cancelled, 2) << "it was over";
  answers.clear();
  EXPECT_EQ(calls_->sending_bytes(), 0u);
}

TEST_F(InFlightAnswersTest, ASingleAnswerMayExceedTheLimit) { EXPECT_EQ(Send("a", 500u << 20), ""); }

TEST_F(InFlightAnswersTest, ClientsOfAUnixSocketShareTheirRoom) {
  EXPECT_EQ(Fill("unix:/run/qconfigd.sock", 1u << 20), 256u) << "gRPC does not tell their connections apart";
}

TEST_F(InFlightAnswersTest, ManyConnectionsComeAndGo) {
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(calls_->EnterToSend([i] { return std::to_string(i); }, 1000));
  }
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Send("stays", 1000), "");
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(calls_->EnterToSend([i] { return std::to_string(i); }, 1000));
  }
  EXPECT_EQ(calls_->sending(), 4u);
}

}  // namespace
}  // namespace qconfig
