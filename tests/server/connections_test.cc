// SPDX-License-Identifier: Apache-2.0
//
// Connections to a real server that say nothing, or too little.
#include <gmock/gmock.h>
#include <grpcpp/security/server_credentials.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

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

// What a client of HTTP/2 sends first.
constexpr absl::string_view kBeginning("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);

// The server may have ended the connection.
void Send(const UniqueFd& connection, absl::string_view bytes) {
  send(connection.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
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

TEST(ConnectionsTest, ConnectionsWithCallsAreNotClosedForOthers) {
  TestServer server(WithLimits(8, 8));
  client::Client client = server.NewClient("");
  ASSERT_TRUE(client.ListCatalogs({}).ok());
  for (int i = 0; i < 10; ++i) {
    std::vector<UniqueFd> silent = Connect(server, 40);
    // These begin HTTP/2, but make no call.
    for (const UniqueFd& connection : silent) Send(connection, kBeginning);
    ASSERT_TRUE(client.ListCatalogs({}).ok());
    EXPECT_TRUE(EndsWithin(absl::Seconds(60), silent.front()));
  }
  EXPECT_EQ(server.connections().counts().active, 1);
}

TEST(ConnectionsTest, NewConnectionsAreClosedIfAllOthersHaveCalls) {
  TestServer server(WithLimits(2, 1));
  client::Client client = server.NewClient("");
  ASSERT_TRUE(client.ListCatalogs({}).ok());
  EXPECT_TRUE(EndsWithin(absl::Seconds(60), ConnectTo(server.address())));
  EXPECT_EQ(server.connections().counts().rejected_peer, 1);
  EXPECT_THAT(server.log(), HasSubstr("connection rejected limit=max-connections-per-peer peer=ipv4:127.0.0.1:"));
  EXPECT_TRUE(client.ListCatalogs({}).ok());
}

// A server with TLS, and connections that fail their handshakes as fast as they can.
TEST(ConnectionsTest, FailedHandshakesAreLimitedAndLogged) {
  const TestAuthority authority("authority");
  const TestPair pair = authority.Issue("server");
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs = {{pair.key, pair.cert}};
  TestSettings settings;
  settings.credentials = grpc::SslServerCredentials(options);
  settings.uses_tls = true;
  TestServer server(std::move(settings));
  constexpr int kStrangers = 400;
  std::vector<UniqueFd> strangers = Connect(server, kStrangers);
  for (const UniqueFd& stranger : strangers) Send(stranger, "GET / HTTP/1.1\r\n\r\n");
  client::ClientOptions client;
  client.server = server.address();
  client.tls.emplace().ca = authority.pem();
  EXPECT_TRUE(client::Client(client).ListCatalogs({}).ok()) << "the newest connection is not the last to begin";
  for (const UniqueFd& stranger : strangers) EXPECT_TRUE(EndsWithin(absl::Seconds(60), stranger));
  EXPECT_THAT(server.log(), HasSubstr("TLS handshake failed peer=ipv4:127.0.0.1:"));
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
