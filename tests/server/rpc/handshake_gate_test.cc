// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/handshake_gate.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace qconfig {
namespace {

using testing::HasSubstr;

class HandshakeGateTest : public testing::Test {
 protected:
  HandshakeGateTest() { SetLogForm(logger_, LogForm::kText); }

  // Adds a new connection of `host`, and returns its descriptor.
  int Add(const std::string& host) {
    gate_.Update();
    UniqueFd connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int fd = connection.get();
    EXPECT_EQ(table_.Add(fd, host), ConnectionTable::Admission::kAdmitted);
    gate_.Add(std::move(connection), host, "ipv4:" + host + ":1");
    return fd;
  }

  // Begins as many handshakes as the gate allows, and returns how many.
  size_t BeginAll() {
    size_t begun = 0;
    for (UniqueFd next = gate_.Next(); next.ok(); next = gate_.Next()) {
      running_.push_back(std::move(next));
      ++begun;
    }
    return begun;
  }

  // Adds connections and closes each one after it has begun its handshake. Returns how many have begun.
  size_t Fail(const std::string& host, size_t connections) {
    size_t begun = 0;
    for (size_t i = 0; i < connections; ++i) {
      Add(host);
      begun += BeginAll();
      running_.clear();
    }
    return begun;
  }

  std::ostringstream text_;
  spdlog::logger logger_{"test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)};
  absl::Duration now_ = absl::Hours(1);
  const Clock clock_{absl::Now, [this] { return now_; }};
  ConnectionTable table_{ConnectionLimits(), clock_};
  HandshakeGate gate_{table_, std::make_shared<LimitedLog>(EventLog(logger_, LogForm::kText), clock_), clock_};
  std::vector<UniqueFd> running_;
};

TEST_F(HandshakeGateTest, SomeHandshakesRunAtOnce) {
  std::vector<int> added;
  for (size_t i = 0; i < HandshakeGate::kAtOnceOfPeer + 5; ++i) added.push_back(Add("a"));
  EXPECT_EQ(BeginAll(), HandshakeGate::kAtOnceOfPeer);
  EXPECT_FALSE(gate_.empty());
  table_.MarkEstablished(running_[0].get());
  table_.MarkActive(running_[1].get());
  EXPECT_EQ(BeginAll(), 2u) << "two have succeeded";
  running_.erase(running_.begin() + 2);
  EXPECT_EQ(BeginAll(), 1u) << "one has failed";
}

TEST_F(HandshakeGateTest, OnePeerDoesNotTakeAllPlaces) {
  for (size_t i = 0; i < 2 * HandshakeGate::kAtOnce; ++i) Add("flood");
  EXPECT_EQ(BeginAll(), HandshakeGate::kAtOnceOfPeer);
  Add("other");
  EXPECT_EQ(BeginAll(), 1u);
  for (size_t i = 0; i < HandshakeGate::kAtOnce; ++i) Add("third");
  BeginAll();
  EXPECT_EQ(running_.size(), HandshakeGate::kAtOnce);
}

TEST_F(HandshakeGateTest, SlowHandshakesGiveUpTheirPlaces) {
  for (size_t i = 0; i < 2 * HandshakeGate::kAtOnceOfPeer; ++i) Add("a");
  EXPECT_EQ(BeginAll(), HandshakeGate::kAtOnceOfPeer);
  now_ += HandshakeGate::kPatience;
  EXPECT_EQ(BeginAll(), HandshakeGate::kAtOnceOfPeer);
  EXPECT_TRUE(gate_.empty());
}

TEST_F(HandshakeGateTest, PeersTakeTurns) {
  for (size_t i = 0; i < HandshakeGate::kAtOnceOfPeer; ++i) Add("flood");
  const int other = Add("other");
  EXPECT_TRUE(gate_.Next().ok());
  UniqueFd second = gate_.Next();
  EXPECT_EQ(second.get(), other);
}

TEST_F(HandshakeGateTest, NewestConnectionOfAPeerIsFirst) {
  Add("a");
  const int newest = Add("a");
  EXPECT_EQ(gate_.Next().get(), newest);
}

TEST_F(HandshakeGateTest, PeerWhoseHandshakesFailWaits) {
  const auto allowed = static_cast<size_t>(HandshakeGate::kFailuresPerSecond);
  EXPECT_EQ(Fail("a", 2 * allowed), allowed);
  EXPECT_THAT(text_.str(), HasSubstr("TLS handshake failed peer=ipv4:a:1"));
  Add("b");
  EXPECT_EQ(BeginAll(), 1u) << "other peers do not wait";
  table_.MarkEstablished(running_[0].get());
  now_ += absl::Seconds(10.5 / HandshakeGate::kFailuresPerSecond);
  EXPECT_EQ(BeginAll(), 10u);
}

TEST_F(HandshakeGateTest, SuccessfulHandshakesAreNotLimited) {
  for (int i = 0; i < 1000; ++i) {
    Add("a");
    ASSERT_EQ(BeginAll(), 1u);
    table_.MarkEstablished(running_[0].get());
    running_.clear();  // closed before the gate looks at it
  }
}

TEST_F(HandshakeGateTest, ConnectionsThatWaitTooLongAreClosed) {
  const int old = Add("a");
  now_ += absl::Seconds(10);
  Add("a");
  Add("b");
  gate_.CloseOlderThan(absl::Seconds(5));
  EXPECT_EQ(fcntl(old, F_GETFD), -1);
  EXPECT_EQ(BeginAll(), 2u);
}

}  // namespace
}  // namespace qconfig
