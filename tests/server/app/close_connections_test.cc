// SPDX-License-Identifier: Apache-2.0
#include "server/app/close_connections.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "absl/time/time.h"

namespace qconfig {
namespace {

// A connection of this process with itself. The client receives little before it reads.
class CloseConnectionsTest : public testing::Test {
 protected:
  void SetUp() override {
    const sockaddr* const pointer = reinterpret_cast<const sockaddr*>(&address_);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(bind(listening_, pointer, sizeof(address_)), 0);
    ASSERT_EQ(listen(listening_, 1), 0);
    socklen_t size = sizeof(address_);
    ASSERT_EQ(getsockname(listening_, reinterpret_cast<sockaddr*>(&address_), &size), 0);
    const int few_bytes = 8192;
    ASSERT_EQ(setsockopt(client_, SOL_SOCKET, SO_RCVBUF, &few_bytes, sizeof(few_bytes)), 0);
    ASSERT_EQ(connect(client_, pointer, sizeof(address_)), 0);
    accepted_ = accept(listening_, nullptr, nullptr);
    ASSERT_GE(accepted_, 0);
    const int many_bytes = 1 << 20;
    ASSERT_EQ(setsockopt(accepted_, SOL_SOCKET, SO_SNDBUF, &many_bytes, sizeof(many_bytes)), 0);
  }
  void TearDown() override {
    for (const int file : {listening_, client_, accepted_}) close(file);
  }

  int port() const { return ntohs(address_.sin_port); }

  // Sends as much as the system takes at once. Returns the number of bytes.
  size_t SendMuch() {
    const std::string bytes(1 << 20, 'x');
    const ssize_t sent = send(accepted_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<size_t>(sent);
  }

  // Receives until the connection ends, and sends something meanwhile. Returns the number of bytes.
  size_t ReceiveAll() {
    size_t received = 0;
    char block[4096];
    for (ssize_t got = 1; got > 0;) {
      got = recv(client_, block, sizeof(block), 0);
      if (got > 0) received += static_cast<size_t>(got);
      send(client_, "x", 1, MSG_NOSIGNAL);
    }
    return received;
  }

  sockaddr_in address_ = {};
  const int listening_ = socket(AF_INET, SOCK_STREAM, 0);
  const int client_ = socket(AF_INET, SOCK_STREAM, 0);
  int accepted_ = -1;
};

TEST_F(CloseConnectionsTest, SentBytesAreDeliveredFirst) {
  const size_t sent = SendMuch();
  ASSERT_GT(sent, 50'000u);
  std::thread closer([this] { CloseAcceptedConnections(port(), absl::Hours(1)); });
  EXPECT_EQ(ReceiveAll(), sent);
  closer.join();
}

TEST_F(CloseConnectionsTest, ClientsThatDoNotReadAreClosedAfterTheGrace) {
  ASSERT_GT(SendMuch(), 50'000u);
  CloseAcceptedConnections(port(), absl::Milliseconds(20));
  EXPECT_EQ(send(accepted_, "x", 1, MSG_NOSIGNAL), -1);
}

TEST_F(CloseConnectionsTest, ConnectionsOfOtherPortsStayOpen) {
  CloseAcceptedConnections(port() + 1, absl::ZeroDuration());
  EXPECT_EQ(send(accepted_, "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_EQ(send(client_, "x", 1, MSG_NOSIGNAL), 1);
}

}  // namespace
}  // namespace qconfig
