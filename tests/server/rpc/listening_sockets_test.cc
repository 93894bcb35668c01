// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/listening_sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rpc/peer_address.h"
#include "tests/server/raw_connection.h"

namespace qconfig {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// The name and the host of the peer of a connection to `address` that `sockets` accept; empty if they do not.
struct Accepted {
  UniqueFd socket;
  std::string name, host;
};

Accepted AcceptFrom(const ListeningSockets& sockets, const std::string& address) {
  const UniqueFd client = ConnectTo(address);
  std::vector<pollfd> polled;
  for (const UniqueFd& socket : sockets.sockets()) polled.push_back({socket.get(), POLLIN, 0});
  Accepted accepted;
  if (!client.ok() || poll(polled.data(), polled.size(), 10'000) <= 0) return accepted;
  for (const pollfd& listening : polled) {
    if (listening.revents == 0) continue;
    sockaddr_storage peer = {};
    socklen_t size = sizeof(peer);
    accepted.socket = UniqueFd(accept(listening.fd, reinterpret_cast<sockaddr*>(&peer), &size));
    accepted.name = PeerName(peer);
    accepted.host = PeerHost(peer);
  }
  return accepted;
}

ListeningSockets Open(const std::string& address) { return *ListeningSockets::Open(address, absl::Seconds(20)); }

TEST(ListeningSocketsTest, FreePort) {
  const ListeningSockets sockets = Open("127.0.0.1:0");
  ASSERT_GT(sockets.port(), 0);
  const Accepted accepted = AcceptFrom(sockets, absl::StrCat("127.0.0.1:", sockets.port()));
  EXPECT_THAT(accepted.name, StartsWith("ipv4:127.0.0.1:"));
  EXPECT_EQ(accepted.host, "127.0.0.1");
}

TEST(ListeningSocketsTest, Ipv6) {
  const ListeningSockets sockets = Open("[::1]:0");
  const Accepted accepted = AcceptFrom(sockets, absl::StrCat("[::1]:", sockets.port()));
  EXPECT_THAT(accepted.name, StartsWith("ipv6:[::1]:"));
  EXPECT_EQ(accepted.host, "::/64");
}

TEST(ListeningSocketsTest, WildcardsAcceptBothFamilies) {
  for (const char* wildcard : {"[::]:0", "0.0.0.0:0"}) {
    const ListeningSockets sockets = Open(wildcard);
    const Accepted ipv4 = AcceptFrom(sockets, absl::StrCat("127.0.0.1:", sockets.port()));
    EXPECT_THAT(ipv4.name, StartsWith("ipv4:127.0.0.1:")) << wildcard;
    EXPECT_EQ(ipv4.host, "127.0.0.1") << wildcard;
    EXPECT_THAT(AcceptFrom(sockets, absl::StrCat("[::1]:", sockets.port())).name, StartsWith("ipv6:[::1]:"))
        << wildcard;
  }
}

TEST(ListeningSocketsTest, NameListensOnAllOfItsAddresses) {
  const ListeningSockets sockets = Open("localhost:0");
  EXPECT_TRUE(AcceptFrom(sockets, absl::StrCat("127.0.0.1:", sockets.port())).socket.ok());
  if (sockets.sockets().size() > 1) {
    EXPECT_TRUE(AcceptFrom(sockets, absl::StrCat("[::1]:", sockets.port())).socket.ok());
  }
}

TEST(ListeningSocketsTest, UnixSocketIsReplacedAndRemoved) {
  const std::string path = absl::StrCat(testing::TempDir(), "/listening_sockets_test.", getpid());
  {
    const ListeningSockets sockets = Open("unix:" + path);
    EXPECT_EQ(sockets.port(), 0);
    const Accepted accepted = AcceptFrom(sockets, "unix:" + path);
    EXPECT_EQ(accepted.name, "unix:");
    EXPECT_EQ(accepted.host, "");
    const ListeningSockets next = Open("unix:" + path);
    EXPECT_TRUE(AcceptFrom(next, "unix:" + path).socket.ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListeningSocketsTest, AbstractUnixSocket) {
  const std::string address = absl::StrCat("unix-abstract:listening_sockets_test.", getpid());
  const ListeningSockets sockets = Open(address);
  EXPECT_TRUE(AcceptFrom(sockets, address).socket.ok());
}

TEST(ListeningSocketsTest, FailuresNameTheReason) {
  const ListeningSockets sockets = Open("127.0.0.1:0");
  const auto taken = ListeningSockets::Open(absl::StrCat("127.0.0.1:", sockets.port()), absl::Seconds(1));
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(taken.status().message()), HasSubstr("in use"));
  const auto too_long = ListeningSockets::Open("unix:/" + std::string(200, 'x'), absl::Seconds(1));
  EXPECT_THAT(std::string(too_long.status().message()), HasSubstr("longer than 107 bytes"));
  EXPECT_FALSE(ListeningSockets::Open("unix:/nonexistent/socket", absl::Seconds(1)).ok());
  EXPECT_FALSE(ListeningSockets::Open("no.such.host.invalid:1", absl::Seconds(1)).ok());
}

// Without TCP_NODELAY, a small answer can wait 40 ms for an acknowledgement.
TEST(ListeningSocketsTest, ConnectionsInheritTheSettings) {
  const ListeningSockets sockets = Open("127.0.0.1:0");
  const Accepted accepted = AcceptFrom(sockets, absl::StrCat("127.0.0.1:", sockets.port()));
  for (const auto& [option, expected] : {std::pair(TCP_NODELAY, 1), std::pair(TCP_USER_TIMEOUT, 20'000)}) {
    int value = 0;
    socklen_t size = sizeof(value);
    ASSERT_EQ(getsockopt(accepted.socket.get(), IPPROTO_TCP, option, &value, &size), 0);
    EXPECT_EQ(value, expected) << option;
  }
}

}  // namespace
}  // namespace qconfig
