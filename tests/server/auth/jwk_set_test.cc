// SPDX-License-Identifier: Apache-2.0
#include "server/auth/jwk_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/auth/test_issuer.h"

namespace qconfig {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const TestIssuer& Rsa() {
  static const auto* const kIssuer = new TestIssuer(TestIssuer::Rsa());
  return *kIssuer;
}

const TestIssuer& Ec() {
  static const auto* const kIssuer = new TestIssuer(TestIssuer::Ec());
  return *kIssuer;
}

json With(json key, const char* name, const json& value) {
  key[name] = value;
  return key;
}

// The number of keys, or the error.
std::string Parsed(const std::string& text) {
  const auto keys = JwkSet::Parse(text);
  if (keys.ok()) return absl::StrCat((*keys)->size());
  EXPECT_EQ(keys.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(keys.status().message());
}

std::string ParsedKeys(const std::vector<json>& keys) { return Parsed(JwksText(keys)); }

TEST(JwkSetTest, TakesRsaAndEcKeys) {
  EXPECT_EQ(ParsedKeys({Rsa().Jwk("a"), Ec().Jwk("b"), TestIssuer::Ec("P-384").Jwk("c"),
                        TestIssuer::Ec("P-521").Jwk("d"), With(Rsa().Jwk("e"), "alg", "PS256")}),
            "5");
}

TEST(JwkSetTest, IgnoresKeysForOtherPurposes) {
  const json rsa = Rsa().Jwk("a");
  EXPECT_EQ(ParsedKeys({rsa,
                        With(Rsa().Jwk("b"), "use", "enc"),
                        With(Rsa().Jwk("c"), "alg", "RSA-OAEP"),
                        With(Rsa().Jwk("d"), "alg", "HS256"),
                        With(Rsa().Jwk("e"), "key_ops", {"encrypt"}),
                        With(Rsa().Jwk("f"), "key_ops", {"sign", "verify"}),
                        With(Rsa().Jwk("g"), "use", "sig"),
                        {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}},
                        With(Ec().Jwk("h"), "crv", "secp256k1")}),
            "3");
  EXPECT_THAT(ParsedKeys({With(rsa, "use", "enc")}), HasSubstr("no key that verifies signatures of RS256, RS384"));
}

TEST(JwkSetTest, RejectsSecrets) {
  const std::string secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0";
  const json symmetric = {{"kty", "oct"}, {"k", secret}};
  EXPECT_THAT(ParsedKeys({Ec().Jwk("a"), symmetric}),
              AllOf(HasSubstr("keys[1]: is a symmetric key"), Not(HasSubstr(secret))));
  EXPECT_THAT(ParsedKeys({With(symmetric, "use", "enc")}), HasSubstr("keys[0]: is a symmetric key"));
  for (const char* const part : {"d", "p", "q", "dp", "dq", "qi", "oth"}) {
    EXPECT_THAT(ParsedKeys({With(Rsa().Jwk("a"), part, secret)}),
                AllOf(HasSubstr("keys[0]: is a private key; replace it at the issuer"), Not(HasSubstr(secret))));
  }
  EXPECT_THAT(ParsedKeys({With(Ec().Jwk("a"), "d", 1)}), HasSubstr("keys[0]: is a private key"));
}

TEST(JwkSetTest, RejectsWeakKeys) {
  EXPECT_THAT(ParsedKeys({TestIssuer::Rsa(1024).Jwk("a")}),
              HasSubstr("keys[0]: is an RSA key of 1024 bits; use a key of 2048 to 8192 bits"));
  // 2,047 bits in 256 bytes.
  EXPECT_THAT(ParsedKeys({With(Rsa().Jwk("a"), "n", "f" + Rsa().Jwk("a")["n"].get<std::string>().substr(1))}),
              HasSubstr("is an RSA key of 2047 bits"));
  for (const char* const exponent : {"", "AA", "AQ", "AAAB", "AQAA"}) {  // 0, 0, 1, 1, 65536
    EXPECT_THAT(ParsedKeys({With(Rsa().Jwk("a"), "e", exponent)}), HasSubstr("`e` is not an odd number above 1"));
  }
}

TEST(JwkSetTest, RejectsMalformedKeys) {
  const json rsa = Rsa().Jwk("a");
  const json ec = Ec().Jwk("a");
  json no_kty = rsa;
  no_kty.erase("kty");
  json no_y = ec;
  no_y.erase("y");
  const std::vector<std::pair<json, std::string>> cases = {
      {5, "is not an object"},
      {no_kty, "has no `kty`"},
      {With(rsa, "kty", 5), "`kty` is not a string"},
      {With(rsa, "kid", 5), "`kid` is not a string"},
      {With(rsa, "use", json::array()), "`use` is not a string"},
      {With(rsa, "key_ops", "verify"), "`key_ops` is not a list"},
      {With(rsa, "n", 5), "`n` is not a string"},
      {With(rsa, "n", "*"), "needs `n`, a number in base64url"},
      {With(rsa, "n", ""), "is an RSA key of 0 bits"},
      {With(rsa, "alg", "ES256"), "`alg` is ES256, which does not fit"},
      {With(ec, "alg", "ES384"), "`alg` is ES384, which does not fit"},
      {With(ec, "alg", "RS256"), "`alg` is RS256, which does not fit"},
      {no_y, "is not a valid EC key"},
      {With(ec, "x", ec["y"]), "is not a valid EC key"},
      {With(ec, "x", "AAAA"), "is not a valid EC key"},
      {With(ec, "crv", "P-384"), "is not a valid EC key"},
  };
  for (const auto& [key, error] : cases) {
    EXPECT_THAT(ParsedKeys({Rsa().Jwk("first"), key}), HasSubstr(absl::StrCat("keys[1]: ", error))) << key;
  }
}

TEST(JwkSetTest, RejectsMalformedSets) {
  EXPECT_EQ(Parsed(std::string()), "is not a JSON object");
  EXPECT_EQ(Parsed(std::string("[]")), "is not a JSON object");
  EXPECT_EQ(Parsed(std::string("{\"keys\":[]")), "is not a JSON object");
  EXPECT_EQ(Parsed(std::string("{\"keys\":\"\xff\"}")), "is not a JSON object");
  EXPECT_EQ(Parsed(std::string("{\"keys\":[],\"keys\":[]}")), "has the same key twice in an object");
  EXPECT_EQ(Parsed(std::string(100'000, '[')), "is nested too deep");
  EXPECT_THAT(Parsed(Rsa().Jwk("a").dump()), HasSubstr("has no list `keys`; write a JSON Web Key Set"));
  EXPECT_THAT(ParsedKeys({}), HasSubstr("has no key that verifies signatures"));
  EXPECT_EQ(Parsed(std::string((1 << 20) + 1, ' ')), "has more than 1048576 bytes");
}

TEST(JwkSetTest, BoundsTheNumberOfKeys) {
  json keys = json::array();
  for (int i = 0; i < 100; ++i) keys.push_back(Ec().Jwk(absl::StrCat(i)));
  EXPECT_EQ(ParsedKeys(keys), "100");
  keys.push_back(Ec().Jwk("101"));
  EXPECT_EQ(ParsedKeys(keys), "has 101 keys; at most 100 are accepted");
}

TEST(JwkSetTest, RejectsTwoKeysWithTheSameKid) {
  EXPECT_THAT(ParsedKeys({Rsa().Jwk("a\n"), Ec().Jwk("b"), TestIssuer::Ec().Jwk("a\n")}),
              HasSubstr("keys[2]: another key has the `kid` \"a\\u000a\" too"));
  json without = Ec().Jwk("");
  without.erase("kid");
  EXPECT_EQ(ParsedKeys({without, without}), "2");
}

TEST(JwkSetTest, NamesTheSupportedAlgorithms) {
  for (const absl::string_view algorithm : SupportedAlgorithms()) EXPECT_TRUE(IsSupportedAlgorithm(algorithm));
  for (const char* const algorithm :
       {"", "none", "None", "HS256", "HS384", "HS512", "rs256", "RS1", "ES256K", "EdDSA"}) {
    EXPECT_FALSE(IsSupportedAlgorithm(algorithm)) << algorithm;
  }
}

}  // namespace
}  // namespace qconfig
