// SPDX-License-Identifier: Apache-2.0
//
// A server with TLS, called by clients that use gRPC or OpenSSL.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "server/tls/certificates.h"
#include "server/tls/credentials.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/test_certificates.h"
#include "tests/server/test_server.h"
#include "tests/server/tls_handshake.h"

namespace qconfig {
namespace {

using testing::HasSubstr;

class TlsTest : public testing::Test {
 protected:
  // Serves with the pair. If `client_ca` is not empty, clients need a certificate from it.
  void Start(const TestPair& pair, const std::string& client_ca = "") {
    Write(pair);
    if (!client_ca.empty()) {
      paths_.ca = directory_.Path("ca.crt");
      WriteFile(paths_.ca, client_ca);
    }
    certificates_ = TlsCertificates::Open(paths_, Clock(), Log(), absl::Milliseconds(1)).value();
    TestSettings settings;
    settings.credentials = TlsCredentials(certificates_);
    server_ = std::make_unique<TestServer>(std::move(settings));
  }

  static EventLog Log() {
    spdlog::logger log("test", std::make_shared<spdlog::sinks::null_sink_mt>());
    return EventLog(log, LogForm::kText);
  }

  // Writes one file after the other, like an operator.
  void Write(const TestPair& pair) const {
    WriteFile(paths_.cert, pair.cert);
    WriteFile(paths_.key, pair.key);
  }

  // Waits until the counter reaches `count`.
  void AwaitReload(int64_t (TlsCertificates::*counter)() const, int64_t count) const {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (((*certificates_).*counter)() < count && absl::Now() < deadline) std::this_thread::yield();
    ASSERT_GE(((*certificates_).*counter)(), count);
  }

  // Makes one call without retries on its own connection.
  grpc::Status CallOnce(const std::string& ca, const TestPair& pair = {}) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel =
        grpc::CreateCustomChannel(server_->address(), grpc::SslCredentials({ca, pair.key, pair.cert}), arguments);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    v1::ListCatalogsResponse response;
    return v1::ConfigService::NewStub(channel)->ListCatalogs(&context, {}, &response);
  }

  int port() const { return server_->server().port(); }

  TempDirectory directory_;
  PemPaths paths_ = {directory_.Path("tls.crt"), directory_.Path("tls.key"), ""};
  const TestAuthority authority_{"authority"};
  std::shared_ptr<TlsCertificates> certificates_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(TlsTest, SupportsHttp2OverTls12AndLater) {
  const TestPair pair = authority_.Issue("server");
  Start(pair);
  for (const auto& [version, name] : {std::pair(TLS1_2_VERSION, "TLSv1.2"), std::pair(TLS1_3_VERSION, "TLSv1.3")}) {
    const TlsHandshake handshake = Handshake(port(), version);
    EXPECT_TRUE(handshake.done) << name;
    EXPECT_EQ(handshake.version, name);
    EXPECT_EQ(handshake.protocol, "h2");
    EXPECT_EQ(handshake.cert, pair.cert);
  }
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) EXPECT_FALSE(Handshake(port(), version).done);
}

TEST_F(TlsTest, ClientsVerifyTheServerWithItsAuthority) {
  Start(authority_.Issue("server"));
  EXPECT_TRUE(CallOnce(authority_.pem()).ok());
  EXPECT_FALSE(CallOnce("garbage").ok());
  EXPECT_THAT(CallOnce(TestAuthority("another").pem()).error_message(), HasSubstr("certificate verify failed"));
}

TEST_F(TlsTest, SendsIntermediateCertificates) {
  Start(TestAuthority("below", TestAuthority("intermediate", authority_)).Issue("server"));
  const grpc::Status status = CallOnce(authority_.pem());
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(TlsTest, ClientsNeedACertificateFromTheClientAuthority) {
  const TestAuthority callers("callers");
  Start(authority_.Issue("server"), callers.pem());
  EXPECT_TRUE(CallOnce(authority_.pem(), callers.Issue("me")).ok());
  EXPECT_TRUE(CallOnce(authority_.pem(), TestAuthority("team", callers).Issue("me")).ok());
  const absl::Time now = absl::Now();
  for (const TestPair& pair : {TestPair(), authority_.Issue("me"), TestAuthority("callers").Issue("me"),
                               callers.Issue("me", now - absl::Hours(2), now - absl::Hours(1))}) {
    EXPECT_EQ(CallOnce(authority_.pem(), pair).error_code(), grpc::StatusCode::UNAVAILABLE);
  }
}

TEST_F(TlsTest, ReloadsClientAuthorities) {
  const TestAuthority before("callers until now");
  const TestAuthority after("callers from now on");
  const TestPair of_before = before.Issue("me");
  const TestPair of_after = after.Issue("me");
  Start(authority_.Issue("server"), before.pem());
  EXPECT_TRUE(CallOnce(authority_.pem(), of_before).ok());
  EXPECT_FALSE(CallOnce(authority_.pem(), of_after).ok());
  WriteFile(paths_.ca, before.pem() + after.pem());
  AwaitReload(&TlsCertificates::reloads_ok, 1);
  EXPECT_TRUE(CallOnce(authority_.pem(), of_before).ok());
  EXPECT_TRUE(CallOnce(authority_.pem(), of_after).ok());
  WriteFile(paths_.ca, after.pem());
  AwaitReload(&TlsCertificates::reloads_ok, 2);
  EXPECT_FALSE(CallOnce(authority_.pem(), of_before).ok());
  EXPECT_TRUE(CallOnce(authority_.pem(), of_after).ok());
}

TEST_F(TlsTest, KeepsTheOldCertificateIfTheNewPairIsInvalid) {
  const TestPair pair = authority_.Issue("server");
  Start(pair);
  WriteFile(paths_.key, authority_.Issue("server").key);
  AwaitReload(&TlsCertificates::reloads_failed, 1);
  EXPECT_EQ(Handshake(port()).cert, pair.cert);
  EXPECT_TRUE(CallOnce(authority_.pem()).ok());
}

TEST_F(TlsTest, NoCallFailsDuringACertificateReload) {
  const TestAuthority callers("callers");
  const TestPair me = callers.Issue("me");
  Start(authority_.Issue("server"), callers.pem());
  client::ClientOptions options;
  options.server = server_->address();
  options.tls = client::TlsOptions{authority_.pem(), me.cert, me.key};
  client::Client client(options);
  ASSERT_TRUE(client.ListCatalogs({}).ok());

  std::atomic<bool> stop = false;
  std::atomic<int> new_connections = 0;
  std::atomic<int> old_connection = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        const grpc::Status status = CallOnce(authority_.pem(), me);
        if (!status.ok()) ADD_FAILURE() << status.error_message() << ++failed;
        ++new_connections;
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) {
      if (!client.ListCatalogs({}).ok()) ++failed;
      ++old_connection;
    }
  });
  for (int rotation = 1; rotation <= 20; ++rotation) {
    const TestPair pair = authority_.Issue("server");
    Write(pair);
    AwaitReload(&TlsCertificates::reloads_ok, rotation);
    // With TLS 1.3, the client receives the server's certificate before the server notices that the client's is
    // missing.
    EXPECT_EQ(Handshake(port(), TLS1_3_VERSION).cert, pair.cert);
    const int before = new_connections;
    while (new_connections < before + 6 && failed == 0) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_GE(new_connections, 120);
  EXPECT_GE(old_connection, 20);
}

}  // namespace
}  // namespace qconfig
