// SPDX-License-Identifier: Apache-2.0
#include "server/auth/authenticator.h"

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
  farm: {tokens: [{sha256: )",
                                        Sha256Hex("secret"), "}], grants: [{role: reader, tenants: [acme]}]}\n"),
                           no_files, absl::Now());
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

// Otherwise a caller could fill the memory with spellings of a single token.
TEST_F(AuthenticatorTest, RemembersOneSpellingOfAToken) {
  for (const std::string value : {"Bearer secret", "Bearer  secret", "Bearer secret\t", "bearer secret"}) {
    EXPECT_EQ(Authenticate({{value}, {}}), "farm") << value;
    EXPECT_EQ(authenticator_.FindKnown({{value}, {}}) != nullptr, value == "Bearer secret") << value;
  }
}

TEST_F(AuthenticatorTest, ForgetsCallersWithTheirPolicy) {
  EXPECT_EQ(Authenticate({{"Bearer secret"}, {}}), "farm");
  authenticator_.SetPolicy(TestPolicy());
  EXPECT_EQ(authenticator_.FindKnown({{"Bearer secret"}, {}}), nullptr);
}

}  // namespace
}  // namespace qconfig
