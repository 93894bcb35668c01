// SPDX-License-Identifier: Apache-2.0
#include "server/auth/authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/canonical_json.h"
#include "core/error.h"
#include "server/auth/policy_reader.h"

namespace qconfig {
namespace {

std::shared_ptr<const Policy> TestPolicy() {
  const auto no_files = [](const std::string&) -> absl::StatusOr<std::string> { return absl::NotFoundError(""); };
  auto policy = ReadPolicy(absl::StrCat(R"(
version: 1
principals:
  ops: {certificates: [{uri: "spiffe://corp/ops"}, {uri: "spiffe://corp/sa/*"}], role: operator}
  bot: {certificates: [{dns: bot.corp}], role: operator}
  farm: {tokens: [{expires: 2020-01-01, sha256: )",
                                        Sha256Hex("old"), "}, {sha256: ", Sha256Hex("secret"),
                                        "}], grants: [{role: reader, tenants: [acme]}]}\n"),
                           no_files);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.value();
}

class AuthenticatorTest : public testing::Test {
 protected:
  AuthenticatorTest() { authenticator_.SetPolicy(TestPolicy()); }

  // The caller's name, or the rule of the error.
  std::string Authenticate(const Credentials& credentials) {
    const auto caller = authenticator_.Authenticate(credentials);
    return caller.ok() ? (*caller)->principal->name : ItemErrorOf(caller.status()).detail().rule();
  }

  Authenticator authenticator_{Clock()};
};

// Certificates may have any bytes in their names, if an authority signs them.
TEST_F(AuthenticatorTest, NamesOfACertificateAreNotMistakenForThoseOfAnother) {
  const auto with_nul = [](absl::string_view before, absl::string_view after) {
    return absl::StrCat(before, absl::string_view("\0", 1), after);
  };
  EXPECT_EQ(Authenticate({{}, {{"spiffe://corp/ops"}, {"ops.corp"}, ""}}), "ops");
  EXPECT_EQ(Authenticate({{}, {{with_nul("spiffe://corp/ops", "dnsops.corp")}, {}, ""}}), "malformed");
  EXPECT_EQ(Authenticate({{}, {{"spiffe://corp/ops3:dns8:ops.corp"}, {}, ""}}), "unknown");
  EXPECT_EQ(Authenticate({{}, {{with_nul("spiffe://corp/sa/x", "y")}, {}, ""}}), "malformed");
  EXPECT_EQ(Authenticate({{}, {{"spiffe://corp/sa/x"}, {}, ""}}), "ops");
}

// What a caller sends as a token must not be found as another caller's certificate.
TEST_F(AuthenticatorTest, NoTokenIsMistakenForARememberedCertificate) {
  EXPECT_EQ(Authenticate({{}, {{"spiffe://corp/ops"}, {"ops.corp"}, ""}}), "ops");
  EXPECT_EQ(Authenticate({{}, {{}, {"bot.corp"}, ""}}), "bot");
  for (const std::string key :
       {"certificate uri17:spiffe://corp/opsdns8:ops.corpcn0:", "certificate dns8:bot.corpcn0:", "certificate cn0:"}) {
    for (const std::string& value : {key, absl::StrCat("Bearer ", key)}) {
      const Credentials credentials = {{value}, {}};
      EXPECT_EQ(authenticator_.FindKnown(credentials), nullptr) << value;
      EXPECT_EQ(authenticator_.FindName(credentials), "") << value;
      EXPECT_FALSE(authenticator_.Authenticate(credentials).ok()) << value;
    }
  }
}

// Otherwise a caller could fill the memory with spellings of a single token.
TEST_F(AuthenticatorTest, RemembersOneSpellingOfAToken) {
  for (const std::string value : {"Bearer secret", "Bearer  secret", "Bearer secret\t", "bearer secret"}) {
    EXPECT_EQ(Authenticate({{value}, {}}), "farm") << value;
    EXPECT_EQ(authenticator_.FindKnown({{value}, {}}) != nullptr, value == "Bearer secret") << value;
  }
}

TEST_F(AuthenticatorTest, SaysThatACertificateHasNoUsableName) {
  Credentials credentials;
  EXPECT_EQ(ItemErrorOf(authenticator_.Authenticate(credentials).status()).reason(),
            v1::ERROR_REASON_CREDENTIALS_MISSING);
  credentials.certificate.is_nameless = true;
  const absl::Status status = authenticator_.Authenticate(credentials).status();
  EXPECT_EQ(ItemErrorOf(status).reason(), v1::ERROR_REASON_CREDENTIALS_INVALID);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("has no name that a policy can have"));
}

TEST_F(AuthenticatorTest, NamesOnlyForLogsWhatARejectedCallerSent) {
  Caller claimed;
  EXPECT_FALSE(authenticator_.Authenticate({{"Bearer other"}, {}}, &claimed).ok());
  EXPECT_EQ(claimed.credential, "token " + Sha256Hex("other").substr(0, 8));
  EXPECT_EQ(claimed.principal, nullptr);
  EXPECT_FALSE(authenticator_.Authenticate({{"Bearer old"}, {}}, &claimed).ok());
  ASSERT_NE(claimed.principal, nullptr) << "an expired token";
  EXPECT_EQ(claimed.principal->name, "farm");
  const auto ambiguous = authenticator_.Authenticate({{}, {{"spiffe://corp/ops"}, {"bot.corp"}, ""}}, &claimed);
  EXPECT_THAT(claimed.credential, testing::MatchesRegex("certificate [0-9a-f]+ of both ops and bot"));
  EXPECT_THAT(std::string(ambiguous.status().message()), testing::Not(testing::HasSubstr("bot")));
  EXPECT_THAT(std::string(ambiguous.status().message()), testing::HasSubstr("several principals"));
}

// Certificates can have thousands of names, so a number does not limit the memory.
TEST_F(AuthenticatorTest, RemembersAtMost16MiB) {
  const auto with_name = [](int number) {
    const std::string name = absl::StrCat("spiffe://corp/sa/", std::string(size_t{1} << 20, 'x'), number);
    return Credentials{{}, {{name}, {}, ""}};
  };
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Authenticate(with_name(i)), "ops");
  EXPECT_EQ(authenticator_.FindKnown(with_name(0)), nullptr);
  EXPECT_EQ(authenticator_.FindKnown(with_name(4)), nullptr);
  EXPECT_NE(authenticator_.FindKnown(with_name(5)), nullptr) << "the others stay";
  EXPECT_NE(authenticator_.FindKnown(with_name(19)), nullptr);
}

TEST_F(AuthenticatorTest, RemembersTheLast10000) {
  const auto with_name = [](int number) {
    return Credentials{{}, {{absl::StrCat("spiffe://corp/sa/", number)}, {}, ""}};
  };
  for (int i = 0; i < 10'100; ++i) EXPECT_EQ(Authenticate(with_name(i)), "ops");
  EXPECT_EQ(authenticator_.FindKnown(with_name(0)), nullptr);
  EXPECT_NE(authenticator_.FindKnown(with_name(200)), nullptr);
}

TEST_F(AuthenticatorTest, ForgetsCallersWithTheirPolicyExceptForTheirNames) {
  const Credentials secret = {{"Bearer secret"}, {}};
  EXPECT_EQ(authenticator_.FindName(secret), "");
  EXPECT_EQ(Authenticate(secret), "farm");
  EXPECT_EQ(authenticator_.FindName(secret), "farm");
  authenticator_.SetPolicy(TestPolicy());
  EXPECT_EQ(authenticator_.FindKnown(secret), nullptr);
  EXPECT_EQ(authenticator_.FindName(secret), "farm");
  EXPECT_EQ(Authenticate(secret), "farm");
  EXPECT_NE(authenticator_.FindKnown(secret), nullptr);
  EXPECT_EQ(authenticator_.FindName({{"Bearer secret", "Bearer secret"}, {}}), "");
}

}  // namespace
}  // namespace qconfig
