// SPDX-License-Identifier: Apache-2.0
//
// Tokens that the client reads from a file and sends to a server with a policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/canonical_json.h"
#include "qconfig/client.h"
#include "qconfig/token_file.h"
#include "server/auth/policy_reader.h"
#include "server/tls/certificates.h"
#include "server/tls/credentials.h"
#include "tests/server/registry/storage/store_test_support.h"
#include "tests/server/test_certificates.h"
#include "tests/server/test_server.h"

namespace qconfig::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kToken[] = "qct_farm-token";
constexpr char kOtherToken[] = "qct_next-token";

class TokenTest : public testing::Test {
 protected:
  void Start(bool uses_tls) {
    TestSettings settings;
    settings.authenticator = std::make_shared<Authenticator>(Clock());
    const auto no_files = [](const std::string&) -> absl::StatusOr<std::string> { return absl::NotFoundError(""); };
    auto policy =
        ReadPolicy(absl::StrCat("version: 1\nprincipals:\n  farm: {tokens: [{sha256: ", Sha256Hex(kToken),
                                "}], default_tenant: farm, grants: [{role: reader, tenants: [farm]}]}\n  next: "
                                "{tokens: [{sha256: ",
                                Sha256Hex(kOtherToken),
                                "}], default_tenant: next, grants: [{role: reader, tenants: "
                                "[next]}]}\n"),
                   no_files);
    ASSERT_TRUE(policy.ok()) << policy.status();
    settings.authenticator->SetPolicy(*policy);
    if (uses_tls) {
      const TestPair pair = authority_.Issue("server");
      const PemPaths paths = {directory_.Path("tls.crt"), directory_.Path("tls.key"), ""};
      WriteFile(paths.cert, pair.cert);
      WriteFile(paths.key, pair.key);
      spdlog::logger log("test", std::make_shared<spdlog::sinks::null_sink_mt>());
      auto files = TlsCertificates::Open(paths, Clock(), EventLog(log, LogForm::kText), absl::InfiniteDuration());
      settings.credentials = TlsCredentials(files.value());
      settings.uses_tls = true;
      options_.tls = TlsOptions{authority_.pem(), "", ""};
    }
    server_ = std::make_unique<TestServer>(std::move(settings));
    options_.server = server_->address();
    options_.timeout = absl::Seconds(60);
  }

  // What a call of the default tenant, or of `tenant`, returns: "OK", or the reason of the error.
  static std::string Call(Client& client, const std::string& tenant = "") {
    v1::ListSchemesRequest request;
    request.set_tenant(tenant);
    const absl::Status status = client.ListSchemes(request).status();
    EXPECT_THAT(std::string(status.message()), AllOf(Not(HasSubstr(kToken)), Not(HasSubstr(kOtherToken))));
    return status.ok() ? "OK" : ReasonName(ErrorOf(status).reason());
  }

  std::string Call() {
    Client client(options_);
    return Call(client);
  }

  void UseToken(const std::string& text) {
    options_.token_file = path_;
    WriteFile(path_, text);
  }

  TempDirectory directory_;
  const std::string path_ = directory_.Path("token");
  const TestAuthority authority_{"authority"};
  ClientOptions options_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(TokenTest, AuthenticatesCallsOverTls) {
  Start(/*uses_tls=*/true);
  EXPECT_EQ(Call(), "CREDENTIALS_MISSING");
  UseToken(absl::StrCat(kToken, "\n"));
  Client client(options_);
  EXPECT_EQ(Call(client), "OK");
  EXPECT_EQ(Call(client, "next"), "PERMISSION_DENIED");
  UseToken("qct_unknown");
  EXPECT_EQ(Call(), "CREDENTIALS_INVALID");
  UseToken(std::string(7168, 's'));  // the largest one that a client sends
  EXPECT_EQ(Call(), "CREDENTIALS_INVALID");
  EXPECT_FALSE(absl::StrContains(server_->log(), kToken));
}

TEST_F(TokenTest, ANewTokenInTheFileIsUsedWithoutANewClient) {
  Start(/*uses_tls=*/true);
  UseToken(kToken);
  Client client(options_);
  EXPECT_EQ(Call(client, "farm"), "OK");
  UseToken(kOtherToken);
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (Call(client, "next") != "OK") ASSERT_LT(absl::Now(), deadline);
  EXPECT_EQ(Call(client, "farm"), "PERMISSION_DENIED");
}

TEST_F(TokenTest, WhoAmISaysWhoseTokenItIs) {
  Start(/*uses_tls=*/true);
  UseToken(kToken);
  const auto caller = Client(options_).WhoAmI();
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_TRUE(caller->has_policy());
  EXPECT_EQ(caller->principal(), "farm");
  EXPECT_EQ(caller->credential(), absl::StrCat("token ", Sha256Hex(kToken).substr(0, 8)));
  EXPECT_EQ(caller->default_tenant(), "farm");
  ASSERT_EQ(caller->grants_size(), 1);
  EXPECT_EQ(caller->grants(0).role(), v1::ROLE_READER);
}

TEST_F(TokenTest, IsNotSentOverAnUnencryptedConnection) {
  UseToken(kToken);
  // Nothing listens there, so a call that tried to connect would fail with kUnavailable.
  for (const char* server :
       {"127.0.0.1:1", "localhost:1", "unix:/nowhere/qconfigd.sock", "qconfig.example.com:50051"}) {
    options_.server = server;
    const absl::Status status = Client(options_).ListSchemes({}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << server;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(path_), HasSubstr("ClientOptions::tls"),
                                                     HasSubstr("QCONFIG_ALLOW_UNENCRYPTED_TOKEN=true")));
  }
}

TEST_F(TokenTest, ATokenInsteadOfAFileIsNotPrinted) {
  options_.server = "127.0.0.1:1";
  options_.token_file = kToken;
  const absl::Status status = Client(options_).ListSchemes({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("is a token"), Not(HasSubstr(kToken))));
}

TEST_F(TokenTest, IsSentOverAnUnencryptedConnectionIfAllowed) {
  Start(/*uses_tls=*/false);
  UseToken(kToken);
  options_.allow_unencrypted_token = true;
  EXPECT_EQ(Call(), "OK");
}

TEST_F(TokenTest, AnInvalidFileFailsTheCallBeforeItIsSent) {
  options_.server = "127.0.0.1:1";
  options_.tls.emplace();
  options_.token_file = path_;
  Client client(options_);
  const absl::Status status = client.ListSchemes({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), absl::StrCat("token file ", path_, ": cannot be opened: No such file or directory"));
  WriteFile(path_, "qct_a");
  EXPECT_EQ(client.ListSchemes({}).status().code(), absl::StatusCode::kUnavailable);  // it is read again
}

TEST_F(TokenTest, ReadsOneLineOfPrintableAscii) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "is empty"},
      {" \n\n", "is empty"},
      {"secret\nsecret2\n", "has several lines"},
      {"secret\rsecret2", "has several lines"},
      {"Bearer secret", "without \"Bearer\""},
      {" secret", "has a space"},
      {"\xEF\xBB\xBFsecret", "not printable ASCII"},
      {"secret\x7F", "not printable ASCII"},
      {std::string("secret\0", 7), "is not a text file"},
      {std::string(7169, 's'), "has more than 7168 bytes"},
  };
  for (const auto& [text, problem] : cases) {
    WriteFile(path_, text);
    const absl::Status status = ReadTokenFile(path_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << problem;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(path_), HasSubstr(problem), Not(HasSubstr("secret"))));
  }
  EXPECT_THAT(std::string(ReadTokenFile(directory_.Path(".")).status().message()), HasSubstr("is not a regular file"));
  EXPECT_THAT(std::string(ReadTokenFile("qct_secret").status().message()), Not(HasSubstr("secret")));
  for (const std::string& text : {std::string("a.b-c_d~e+f/g=="), std::string(7168, 's')}) {
    WriteFile(path_, text);
    EXPECT_EQ(ReadTokenFile(path_).value_or("invalid"), text);
    if (text.size() < 100) WriteFile(path_, text + " \t\r\n\n");
    EXPECT_EQ(ReadTokenFile(path_).value_or("invalid"), text);
  }
}

TEST_F(TokenTest, IsReadAtMostOnceASecond) {
  TokenFile file(path_);
  const absl::Time start = absl::FromUnixSeconds(1'000'000);
  EXPECT_FALSE(file.Read(start).ok());
  WriteFile(path_, "one");
  EXPECT_EQ(file.Read(start).value_or("invalid"), "one");  // an error is not kept
  WriteFile(path_, "two");
  EXPECT_EQ(file.Read(start + absl::Milliseconds(999)).value_or("invalid"), "one");
  EXPECT_EQ(file.Read(start + absl::Seconds(1)).value_or("invalid"), "two");
  WriteFile(path_, "new");
  EXPECT_EQ(file.Read(start).value_or("invalid"), "new");  // the clock was set back
  std::filesystem::remove(path_);
  EXPECT_FALSE(file.Read(start + absl::Seconds(2)).ok());
}

TEST(TokenEnvironmentTest, HasTheDefaultsOfTheOptions) {
  EXPECT_EQ(ClientOptions().token_file, "");
  EXPECT_FALSE(ClientOptions().allow_unencrypted_token);
  setenv("QCONFIG_TOKEN_FILE", "/run/token", 1);
  EXPECT_EQ(ClientOptions().token_file, "/run/token");
  for (const auto& [value, allowed] : {std::pair("true", true), {"false", false}, {"", false}, {"yes please", false}}) {
    setenv("QCONFIG_ALLOW_UNENCRYPTED_TOKEN", value, 1);
    EXPECT_EQ(ClientOptions().allow_unencrypted_token, allowed) << value;
  }
  unsetenv("QCONFIG_TOKEN_FILE");
  unsetenv("QCONFIG_ALLOW_UNENCRYPTED_TOKEN");
}

TEST(LooksLikeTokenTest, KnowsTokensOfNewTokenAndJsonWebTokens) {
  for (const char* token : {"qct_secret", "eyJhbGciOiJSUzI1NiJ9.e30.c2VjcmV0", "eyJh.a.b.c.d", "Bearer qct_secret",
                            " qct_secret", "'qct_secret'", "Bearer eyJh.e30.secret"}) {
    EXPECT_TRUE(LooksLikeToken(token)) << token;
    EXPECT_THAT(std::string(ReadTokenFile(token).status().message()),
                AllOf(HasSubstr("is a token"), Not(HasSubstr(token))));
  }
  for (const char* path : {"", "token", "/run/qct_token", "/run/eyJ.d/a.b", "eyJtoken.txt", "a.b.c"}) {
    EXPECT_FALSE(LooksLikeToken(path)) << path;
  }
}

}  // namespace
}  // namespace qconfig::client
