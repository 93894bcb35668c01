// SPDX-License-Identifier: Apache-2.0
//
// Callers whom the policy knows by their TLS certificates.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/canonical_json.h"
#include "qconfig/call_status.h"
#include "server/auth/policy_reader.h"
#include "server/tls/certificates.h"
#include "server/tls/credentials.h"
#include "tests/core/test_support.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/test_certificates.h"
#include "tests/server/test_server.h"

namespace qconfig {
namespace {

class CertificateIdentityTest : public testing::Test {
 protected:
  void Start(ClientCertificates client_certificates, const std::string& anonymous = "") {
    WriteFile(paths_.cert, server_pair_.cert);
    WriteFile(paths_.key, server_pair_.key);
    WriteFile(paths_.ca, authority_.pem());
    spdlog::logger log("test", std::make_shared<spdlog::sinks::null_sink_mt>());
    auto certificates = TlsCertificates::Open(paths_, Clock(), EventLog(log, LogForm::kText), absl::InfiniteDuration());
    const auto no_files = [](const std::string&) -> absl::StatusOr<std::string> { return absl::NotFoundError(""); };
    auto policy = ReadPolicy(
        absl::StrCat(R"(
version: 1
principals:
  release: {certificates: [{uri: "spiffe://corp/sa/release"}], default_tenant: acme, grants: [{role: admin, tenants: [acme]}]}
  runner: {certificates: [{dns: "*.ci.corp"}], default_tenant: ci, grants: [{role: admin, tenants: [ci]}]}
  named: {certificates: [{cn: bot}], default_tenant: bots, grants: [{role: admin, tenants: [bots]}]}
  farm: {tokens: [{sha256: )",
                     Sha256Hex("farm"), R"(}], default_tenant: farm, grants: [{role: admin, tenants: [farm]}]}
)",
                     anonymous),
        no_files);
    ASSERT_TRUE(policy.ok()) << policy.status();
    TestSettings settings;
    settings.credentials = TlsCredentials(certificates.value(), client_certificates);
    settings.uses_tls = true;
    settings.authenticator = std::make_shared<Authenticator>(Clock());
    settings.authenticator->SetPolicy(*policy);
    server_ = std::make_unique<TestServer>(std::move(settings));
  }

  // The actor of a write, or the reason and rule of its rejection.
  std::string Write(const TestPair& pair, const std::string& token = "") {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel = grpc::CreateCustomChannel(
        server_->address(), grpc::SslCredentials({authority_.pem(), pair.key, pair.cert}), arguments);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    auto request =
        Proto<v1::RegisterSchemeRequest>("scheme { spec { weight { preset { spec: 'Int8PerTensorSpec' } } } }");
    request.mutable_scheme()->set_name(absl::StrCat("mine_", ++writes_));
    v1::RegisterSchemeResponse response;
    const grpc::Status status = v1::RegistryService::NewStub(channel)->RegisterScheme(&context, request, &response);
    if (!status.ok()) {
      const v1::ItemError error = client::ErrorOf(client::ToAbslStatus(status));
      return absl::StrCat(client::ReasonName(error.reason()), " ", error.detail().rule());
    }
    for (const char* tenant : {"acme", "ci", "bots", "farm"}) {
      const auto changes = server_->registry().ChangesSince(TenantId::Parse(tenant, "").value(), 1, 10);
      if (!changes.ok() || changes->empty()) continue;
      const v1::ChangeRecord& newest = changes->back();
      if (newest.changes().rbegin()->put_scheme().name() == request.scheme().name()) return newest.actor();
    }
    return "nobody";
  }

  TempDirectory directory_;
  const PemPaths paths_ = {directory_.Path("tls.crt"), directory_.Path("tls.key"), directory_.Path("ca.crt")};
  const TestAuthority authority_{"authority"};
  const TestPair server_pair_ = authority_.Issue("server");
  std::unique_ptr<TestServer> server_;
  int writes_ = 0;
};

TEST_F(CertificateIdentityTest, TheNamesOfACertificateAreThePrincipal) {
  Start(ClientCertificates::kRequired);
  EXPECT_EQ(Write(authority_.IssueFor("bot", "URI:spiffe://corp/sa/release")), "release");
  EXPECT_EQ(Write(authority_.IssueFor("bot", "DNS:a.ci.corp")), "runner");
  EXPECT_EQ(Write(authority_.IssueFor("bot", "")), "named");
  EXPECT_EQ(Write(authority_.IssueFor("bot", "IP:127.0.0.1")), "CREDENTIALS_INVALID unknown");
  EXPECT_EQ(Write(authority_.IssueFor("bot", "DNS:ci.corp")), "CREDENTIALS_INVALID unknown");
  EXPECT_EQ(Write(authority_.IssueFor("bot", "URI:spiffe://corp/sa/release,DNS:a.ci.corp")),
            "CREDENTIALS_INVALID unknown");
}

TEST_F(CertificateIdentityTest, ATokenOverridesACertificate) {
  Start(ClientCertificates::kOptional);
  const TestPair release = authority_.IssueFor("bot", "URI:spiffe://corp/sa/release");
  EXPECT_EQ(Write(release, "farm"), "farm");
  EXPECT_EQ(Write(release, "wrong"), "CREDENTIALS_INVALID unknown");
  EXPECT_EQ(Write(release), "release");
}

TEST_F(CertificateIdentityTest, CertificatesCanBeOptional) {
  Start(ClientCertificates::kOptional);
  EXPECT_EQ(Write({}, "farm"), "farm");
  EXPECT_EQ(Write({}), "CREDENTIALS_MISSING ");
  // A certificate that another authority signed never reaches the policy.
  EXPECT_EQ(Write(TestAuthority("authority").IssueFor("bot", "URI:spiffe://corp/sa/release"), "farm"), " ");
}

TEST_F(CertificateIdentityTest, ACertificateThatNobodyHasIsWorthNoLessThanNone) {
  Start(ClientCertificates::kOptional, "anonymous: {grants: [{role: editor, tenants: [acme]}], default_tenant: acme}");
  EXPECT_EQ(Write({}), "anonymous");
  EXPECT_EQ(Write(authority_.IssueFor("bot", "DNS:other")), "anonymous");
  EXPECT_EQ(Write({}, "wrong"), "CREDENTIALS_INVALID unknown");
}

}  // namespace
}  // namespace qconfig
