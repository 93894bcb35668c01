// SPDX-License-Identifier: Apache-2.0
//
// Connections to a real server that say nothing, or too little.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/raw_connection.h"
#include "tests/server/test_certificates.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

TestSettings WithLimits(size_t total, size_t per_peer) {
  TestSettings settings;
  settings.connections = {total, per_peer};
  return settings;
}

bool Answers(const TestServer& server) { return server.NewClient("").ListCatalogs({}).ok(); }

std::vector<UniqueFd> Connect(const TestServer& server, int connections) {
  std::vector<UniqueFd> made;
  for (int i = 0; i < connections; ++i) made.push_back(ConnectTo(server.address()));
  return made;
}

TEST(ConnectionsTest, SilentConnectionsDoNotKeepNewClientsOut) {
  TestServer server(WithLimits(8, 8));
  const std::vector<UniqueFd> silent = Connect(server, 40);
  EXPECT_TRUE(Answers(server));
  EXPECT_TRUE(EndsWithin(absl::Seconds(60), silent.front())) << "the oldest one makes room";
  EXPECT_GE(server.connections().counts().evicted, 32);
  EXPECT_LE(server.connections().counts().silent + server.connections().counts().active, 8);
}

TEST(ConnectionsTest, PeersShareALimit) {
  TestServer server(WithLimits(8, 4));
  const std::vector<UniqueFd> silent = Connect(server, 5);
  EXPECT_TRUE(EndsWithin(absl::Seconds(60), silent.front()));
  EXPECT_TRUE(Answers(server));
}

TEST(ConnectionsTest, SilentConnectionsAreClosedAfterTheHandshakeTimeout) {
  TestSettings settings;
  settings.handshake_timeout = absl::Milliseconds(50);
  TestServer server(std::move(settings));
  EXPECT_TRUE(EndsWithin(absl::Seconds(60), ConnectTo(server.address())));
}

TEST(ConnectionsTest, UnixSocketsHaveTheLimitOfAllOnly) {
  TestSettings settings = WithLimits(8, 2);
  settings.listen = absl::StrCat("unix:", testing::TempDir(), "/connections_test.", getpid());
  TestServer server(std::move(settings));
  const std::vector<UniqueFd> silent = Connect(server, 6);
  EXPECT_TRUE(Answers(server));
  EXPECT_EQ(server.connections().counts().evicted, 0);
  const std::vector<UniqueFd> more = Connect(server, 8);
  EXPECT_TRUE(EndsWithin(absl::Seconds(60), silent.front()));
  EXPECT_TRUE(Answers(server));
}

TEST(ConnectionsTest, Ipv6IsServed) {
  TestSettings settings;
  settings.listen = "[::1]:0";
  TestServer server(std::move(settings));
  EXPECT_TRUE(Answers(server));
}

TEST(ConnectionsTest, ShutdownEndsSilentConnections) {
  TestServer server;
  const std::vector<UniqueFd> silent = Connect(server, 20);
  EXPECT_TRUE(Answers(server));
  server.server().Shutdown(absl::ZeroDuration());
  for (const UniqueFd& connection : silent) EXPECT_TRUE(EndsWithin(absl::Seconds(60), connection));
  EXPECT_FALSE(ConnectTo(server.address()).ok()) << "the server no longer listens";
}

}  // namespace
}  // namespace qconfig
