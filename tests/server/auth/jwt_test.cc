// SPDX-License-Identifier: Apache-2.0
#include "server/auth/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/hmac.h>

#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/error.h"
#include "core/utf8.h"
#include "tests/server/auth/test_issuer.h"

namespace qconfig {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr char kIssuerName[] = "https://ci.example";

// Making RSA keys is slow.
const TestIssuer& Rsa() {
  static const auto* const kIssuer = new TestIssuer(TestIssuer::Rsa());
  return *kIssuer;
}
const TestIssuer& OtherRsa() {
  static const auto* const kIssuer = new TestIssuer(TestIssuer::Rsa());
  return *kIssuer;
}
const TestIssuer& Ec() {
  static const auto* const kIssuer = new TestIssuer(TestIssuer::Ec());
  return *kIssuer;
}

std::shared_ptr<const JwkSet> Keys(const std::vector<json>& keys) { return JwkSet::Parse(JwksText(keys)).value(); }

class VerifyJwtTest : public testing::Test {
 protected:
  VerifyJwtTest() {
    JwtIssuer ci;
    ci.name = "ci";
    ci.issuer = kIssuerName;
    ci.audience = "qconfig";
    ci.algorithms = {"RS256", "PS256", "ES256"};
    ci.keys = Keys({Rsa().Jwk("rsa"), Ec().Jwk("ec")});
    JwtIssuer other = ci;
    other.name = "other";
    other.issuer = "https://other.example";
    other.algorithms = {"RS256"};
    other.keys = Keys({OtherRsa().Jwk("rsa")});
    issuers_ = {ci, other};
  }

  json Claims() const {
    return {{"iss", kIssuerName}, {"aud", "qconfig"}, {"sub", "repo:acme/x"}, {"exp", absl::ToUnixSeconds(now_) + 60}};
  }
  json With(const char* name, const json& value) const {
    json claims = Claims();
    claims[name] = value;
    return claims;
  }
  json Without(const char* name) const {
    json claims = Claims();
    claims.erase(name);
    return claims;
  }

  absl::StatusOr<VerifiedJwt> Verify(absl::string_view token) const { return VerifyJwt(token, issuers_, now_); }

  // "ok", or the rule of the error. Checks what all errors have in common.
  std::string Result(absl::string_view token) const {
    const auto verified = Verify(token);
    EXPECT_EQ(ERR_peek_error(), 0u);
    if (verified.ok()) return "ok";
    const v1::ItemError error = ItemErrorOf(verified.status());
    EXPECT_EQ(error.reason(), v1::ERROR_REASON_CREDENTIALS_INVALID) << verified.status();
    EXPECT_EQ(verified.status().code(), absl::StatusCode::kUnauthenticated);
    EXPECT_TRUE(IsPrintable(error.message())) << error.message();
    EXPECT_LT(error.message().size(), 500u) << error.message();
    EXPECT_FALSE(error.detail().advice().empty() && error.detail().allowed().empty()) << error.message();
    return error.detail().rule();
  }
  std::string ResultOf(const json& claims) const { return Result(Ec().Token(claims, "ES256", "ec")); }
  std::string Message(absl::string_view token) const { return std::string(Verify(token).status().message()); }

  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  std::vector<JwtIssuer> issuers_;
};

TEST_F(VerifyJwtTest, AcceptsTokensOfEachAlgorithm) {
  const TestIssuer p384 = TestIssuer::Ec("P-384");
  const TestIssuer p521 = TestIssuer::Ec("P-521");
  issuers_[0].keys = Keys({Rsa().Jwk("rsa"), Ec().Jwk("256"), p384.Jwk("384"), p521.Jwk("521")});
  issuers_[0].algorithms.clear();
  for (const absl::string_view algorithm : SupportedAlgorithms()) issuers_[0].algorithms.emplace_back(algorithm);
  for (const char* const alg : {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}) {
    EXPECT_EQ(Result(Rsa().Token(Claims(), alg, "rsa")), "ok") << alg;
  }
  for (int i = 0; i < 20; ++i) {  // also numbers with leading zeros
    EXPECT_EQ(Result(Ec().Token(Claims(), "ES256", "256")), "ok");
    EXPECT_EQ(Result(p384.Token(Claims(), "ES384", "384")), "ok");
    EXPECT_EQ(Result(p521.Token(Claims(), "ES512", "521")), "ok");
  }
}

TEST_F(VerifyJwtTest, ReturnsIssuerClaimsAndExpiry) {
  json claims = With("exp", 1'800'000'060.25);
  claims["iss"] = "https://other.example";
  claims["groups"] = {"a", "b"};
  const auto verified = Verify(OtherRsa().Token(claims, "RS256", "rsa"));
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->issuer, &issuers_[1]);
  EXPECT_EQ(verified->claims, claims);
  EXPECT_EQ(verified->expires, now_ + absl::Seconds(90.25));
}

TEST_F(VerifyJwtTest, RejectsForgedTokens) {
  const std::string token = Rsa().Token(Claims(), "RS256", "rsa");
  const std::vector<std::string> parts = absl::StrSplit(token, '.');
  const std::string other_payload = absl::WebSafeBase64Escape(With("sub", "repo:acme/y").dump());
  EXPECT_EQ(Result(absl::StrCat(parts[0], ".", other_payload, ".", parts[2])), "signature");
  const std::string other_header = absl::WebSafeBase64Escape(R"({"alg":"RS256","kid":"rsa"})");
  EXPECT_EQ(Result(absl::StrCat(other_header, ".", parts[1], ".", parts[2])), "signature");
  EXPECT_EQ(Result(OtherRsa().Token(Claims(), "RS256", "rsa")), "signature");
  EXPECT_EQ(Result(TestIssuer::Ec().Token(Claims(), "ES256", "ec")), "signature");
  EXPECT_EQ(Result(Rsa().Token(With("iss", "https://other.example"), "RS256", "rsa")), "signature")
      << "the key of another issuer";
  EXPECT_THAT(Message(OtherRsa().Token(Claims(), "RS256", "rsa")), HasSubstr("signature of the token is not valid"));
}

TEST_F(VerifyJwtTest, RejectsSignaturesOfAnotherLength) {
  for (const std::string& token : {Rsa().Token(Claims(), "RS256", "rsa"), Rsa().Token(Claims(), "PS256", "rsa"),
                                   Ec().Token(Claims(), "ES256", "ec")}) {
    const std::vector<std::string> parts = absl::StrSplit(token, '.');
    std::string signature;
    ASSERT_TRUE(absl::WebSafeBase64Unescape(parts[2], &signature));
    const std::string zero(1, '\0');
    const size_t half = signature.size() / 2;
    const std::string longer = zero + signature.substr(0, half) + zero + signature.substr(half);  // the same numbers
    for (const std::string& bad : {std::string(), zero, signature + zero, zero + signature, longer, signature.substr(1),
                                   signature + signature, std::string(signature.size(), '\0')}) {
      EXPECT_EQ(Result(absl::StrCat(parts[0], ".", parts[1], ".", absl::WebSafeBase64Escape(bad))), "signature");
    }
  }
}

TEST_F(VerifyJwtTest, RejectsAlgorithmsWithoutAPrivateKey) {
  // Even if the policy lists them.
  for (const char* const alg : {"none", "HS256", "HS384", "HS512"}) issuers_[0].algorithms.emplace_back(alg);
  for (const char* const alg : {"none", "None", "NONE", "nOnE", "", "HS256", "hs256"}) {
    const std::string header = json{{"alg", alg}, {"kid", "rsa"}}.dump();
    for (const std::string& signature : {std::string(), std::string(256, 'x')}) {
      EXPECT_EQ(Result(JoinToken(header, Claims().dump(), signature)), "algorithm") << alg;
    }
  }
  // The public key as the secret, in the forms in which an attacker has it.
  const std::string header = R"({"alg":"HS256","kid":"rsa"})";
  const std::string text =
      absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(Claims().dump()));
  for (const std::string& secret : {Rsa().PublicPem(), Rsa().Jwk("rsa").dump(), JwksText({Rsa().Jwk("rsa")})}) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
    const std::string signature(reinterpret_cast<const char*>(mac), size);
    EXPECT_EQ(Result(absl::StrCat(text, ".", absl::WebSafeBase64Escape(signature))), "algorithm");
  }
}

TEST_F(VerifyJwtTest, AcceptsOnlyAlgorithmsOfTheIssuer) {
  issuers_[0].algorithms = {"RS256", "ES256"};
  EXPECT_EQ(Result(Rsa().Token(Claims(), "RS512", "rsa")), "algorithm");
  EXPECT_EQ(Result(Rsa().Token(Claims(), "PS256", "rsa")), "algorithm");
  EXPECT_THAT(Message(Rsa().Token(Claims(), "PS256", "rsa")), HasSubstr("allowed: RS256, ES256"));
  issuers_[0].algorithms.clear();
  EXPECT_EQ(ResultOf(Claims()), "algorithm");
}

TEST_F(VerifyJwtTest, RejectsKeysOfAnotherKind) {
  EXPECT_EQ(Result(Rsa().Token(Claims(), "RS256", "ec")), "signature");
  EXPECT_EQ(Result(Ec().Token(Claims(), "ES256", "rsa")), "signature");
  // The header says one algorithm, and the signature is of another one.
  const std::string claims = Claims().dump();
  EXPECT_EQ(Result(Rsa().RawToken(R"({"alg":"PS256","kid":"rsa"})", claims, "RS256")), "signature");
  EXPECT_EQ(Result(Rsa().RawToken(R"({"alg":"RS256","kid":"rsa"})", claims, "PS256")), "signature");
  EXPECT_EQ(Result(Rsa().RawToken(R"({"alg":"RS256","kid":"rsa"})", claims, "RS512")), "signature");
  // A key for one algorithm only.
  json key = Rsa().Jwk("rsa");
  key["alg"] = "PS256";
  issuers_[0].keys = Keys({key});
  EXPECT_EQ(Result(Rsa().Token(Claims(), "PS256", "rsa")), "ok");
  EXPECT_EQ(Result(Rsa().Token(Claims(), "RS256", "rsa")), "signature");
  // A curve of another algorithm.
  const TestIssuer p384 = TestIssuer::Ec("P-384");
  issuers_[0].keys = Keys({p384.Jwk("ec")});
  EXPECT_EQ(Result(p384.RawToken(R"({"alg":"ES256","kid":"ec"})", claims, "ES256")), "signature");
}

TEST_F(VerifyJwtTest, SelectsTheKeyByKid) {
  issuers_[0].keys = Keys({OtherRsa().Jwk("old"), Rsa().Jwk("new"), Ec().Jwk("ec")});
  EXPECT_EQ(Result(Rsa().Token(Claims(), "RS256", "new")), "ok");
  EXPECT_EQ(Result(OtherRsa().Token(Claims(), "RS256", "old")), "ok");
  EXPECT_EQ(Result(Rsa().Token(Claims(), "RS256", "old")), "signature");
  EXPECT_EQ(Result(Rsa().Token(Claims(), "RS256", "unknown")), "signature");
  EXPECT_THAT(Message(Rsa().Token(Claims(), "RS256", "unknown")), HasSubstr("no key of the issuer has the `kid`"));
  EXPECT_EQ(Result(Rsa().Token(Claims(), "RS256", "")), "signature") << "two keys fit";
  EXPECT_THAT(Message(Rsa().Token(Claims(), "RS256", "")), HasSubstr("has no `kid`, and several keys"));
  EXPECT_EQ(Result(Ec().Token(Claims(), "ES256", "")), "ok") << "one key fits";
  issuers_[0].algorithms = {"ES384"};
  EXPECT_THAT(Message(TestIssuer::Ec("P-384").Token(Claims(), "ES384", "")),
              HasSubstr("no key of the issuer fits the algorithm"));
  EXPECT_EQ(Result(Ec().RawToken(R"({"alg":"ES256","kid":""})", Claims().dump(), "ES256")), "algorithm");
  issuers_[0].algorithms = {"ES256"};
  EXPECT_EQ(Result(Ec().RawToken(R"({"alg":"ES256","kid":""})", Claims().dump(), "ES256")), "signature");
}

TEST_F(VerifyJwtTest, TakesNoKeyFromTheToken) {
  const TestIssuer attacker = TestIssuer::Ec();
  const json jwk = attacker.Jwk("ec");
  for (const json& header : {json{{"alg", "ES256"}, {"kid", "ec"}, {"jwk", jwk}}, json{{"alg", "ES256"}, {"jwk", jwk}},
                             json{{"alg", "ES256"}, {"jku", "http://127.0.0.1/keys"}, {"kid", "evil"}},
                             json{{"alg", "ES256"}, {"x5c", {"AAAA"}}, {"kid", "ec"}}}) {
    EXPECT_EQ(Result(attacker.RawToken(header.dump(), Claims().dump(), "ES256")), "signature") << header;
  }
}

TEST_F(VerifyJwtTest, ChecksTimesWithLeeway) {
  const int64_t now = absl::ToUnixSeconds(now_);
  EXPECT_EQ(ResultOf(With("exp", now - 29)), "ok");
  EXPECT_EQ(ResultOf(With("exp", static_cast<double>(now) - 29.5)), "ok");
  EXPECT_EQ(ResultOf(With("exp", now - 30)), "expired");
  EXPECT_EQ(ResultOf(With("exp", static_cast<double>(now) - 30.5)), "expired");
  EXPECT_EQ(ResultOf(With("exp", 0)), "expired");
  EXPECT_EQ(ResultOf(With("nbf", now + 30)), "ok");
  EXPECT_EQ(ResultOf(With("nbf", static_cast<double>(now) + 30.5)), "not_yet_valid");
  EXPECT_EQ(ResultOf(With("nbf", now + 31)), "not_yet_valid");
  EXPECT_EQ(ResultOf(With("nbf", 0)), "ok");
  EXPECT_EQ(ResultOf(With("iat", now + 1000)), "ok") << "only says when the token was made";
  issuers_[0].leeway = absl::ZeroDuration();
  EXPECT_EQ(ResultOf(With("exp", now + 1)), "ok");
  EXPECT_EQ(ResultOf(With("exp", now)), "expired");
  EXPECT_EQ(ResultOf(With("nbf", now + 1)), "not_yet_valid");
  EXPECT_EQ(ResultOf(With("nbf", now)), "ok");
}

TEST_F(VerifyJwtTest, ChecksTheAudience) {
  EXPECT_EQ(ResultOf(With("aud", {"a", "qconfig"})), "ok");
  EXPECT_EQ(ResultOf(With("aud", "a")), "audience");
  EXPECT_EQ(ResultOf(With("aud", "")), "audience");
  EXPECT_EQ(ResultOf(With("aud", "QCONFIG")), "audience");
  EXPECT_EQ(ResultOf(With("aud", std::string("qconfig\0", 8))), "audience");
  EXPECT_EQ(ResultOf(With("aud", json::array())), "audience");
  EXPECT_EQ(ResultOf(With("aud", {"a", "b"})), "audience");
  EXPECT_THAT(Message(Ec().Token(With("aud", "a"), "ES256", "ec")), HasSubstr("allowed: qconfig"));
}

TEST_F(VerifyJwtTest, ChecksTheIssuer) {
  for (const std::string& issuer : {std::string("https://evil.example"), std::string(),
                                    std::string("https://ci.example/"), std::string("https://ci.example\0", 19)}) {
    EXPECT_EQ(ResultOf(With("iss", issuer)), "issuer") << issuer;
  }
  const std::string message = Message(Ec().Token(With("iss", "evil\n" + std::string(4000, 'x')), "ES256", "ec"));
  EXPECT_THAT(message, HasSubstr("the server accepts no tokens of this issuer: \"evil\\u000axxx"));
  EXPECT_LT(message.size(), 400u);
}

TEST_F(VerifyJwtTest, RequiresClaimsOfTheRightType) {
  for (const char* const name : {"iss", "exp", "aud"}) EXPECT_EQ(ResultOf(Without(name)), "claim") << name;
  for (const json& value : {json(), json("1800000060"), json(true), json::array({1}), json::object(), json(-1),
                            json(1e300), json(1'800'000'060'000)}) {
    EXPECT_EQ(ResultOf(With("exp", value)), "claim") << value;
    EXPECT_EQ(ResultOf(With("nbf", value)), "claim") << value;
  }
  EXPECT_EQ(ResultOf(With("exp", std::numeric_limits<uint64_t>::max())), "claim");
  for (const json& value : {json(), json(5), json(true), json::array({1}), json::object()}) {
    EXPECT_EQ(ResultOf(With("iss", value)), "claim") << value;
  }
  for (const json& value :
       {json(), json(5), json(true), json::array({1}), json::array({"qconfig", 1}), json::object()}) {
    EXPECT_EQ(ResultOf(With("aud", value)), "claim") << value;
  }
}

TEST_F(VerifyJwtTest, RejectsMalformedHeaders) {
  const std::string claims = Claims().dump();
  for (const char* const header :
       {"", "{}", "[]", "5", "null", "{", R"({"alg":5})", R"({"alg":["ES256"]})", R"({"alg":"ES256","kid":5})",
        R"({"alg":"ES256","kid":null})", R"({"alg":"ES256","crit":["exp"]})", R"({"alg":"ES256","crit":[]})",
        R"({"alg":"ES256","alg":"ES256"})", R"({"alg":"none","kid":"ec","alg":"ES256"})",
        R"({"alg":"ES256","x":{"a":1,"a":2}})",
        R"({"alg":"ES256"} )"
        "x",
        "{\"alg\":\"ES256\xff\"}", "{'alg':'ES256'}"}) {
    EXPECT_EQ(Result(Ec().RawToken(header, claims, "ES256")), "malformed") << header;
  }
  EXPECT_EQ(Result(Ec().RawToken(R"({"alg":"ES256","kid":"ec","typ":"at+jwt","x":{"a":1}})", claims, "ES256")), "ok");
  EXPECT_EQ(Result(Ec().RawToken(R"({"alg":"ES256\u0000","kid":"ec"})", claims, "ES256")), "algorithm");
  EXPECT_EQ(Result(Ec().RawToken(R"({"alg":"ES256","kid":"ec\u0000"})", claims, "ES256")), "signature");
  EXPECT_THAT(Message(Ec().RawToken(R"({"alg":"ES256","crit":["b64"]})", claims, "ES256")), HasSubstr("`crit`"));
}

TEST_F(VerifyJwtTest, RejectsMalformedPayloads) {
  const std::string header = R"({"alg":"ES256","kid":"ec"})";
  for (const std::string& payload :
       {std::string(), std::string("[]"), std::string("null"), std::string("\"text\""), Claims().dump() + "x",
        std::string("{\"iss\":\"\xc3\"}"), std::string(R"({"iss":"https://ci.example","iss":"https://ci.example"})"),
        std::string(R"({"exp":1e999})"), Claims().dump().insert(1, 1, '\0')}) {
    EXPECT_EQ(Result(Ec().RawToken(header, payload, "ES256")), "malformed") << payload;
  }
}

TEST_F(VerifyJwtTest, RejectsWhatIsNotThreePartsInBase64Url) {
  const std::string token = Ec().Token(Claims(), "ES256", "ec");
  ASSERT_EQ(Result(token), "ok");
  const size_t dot = token.find('.');
  for (const std::string& bad : {std::string(),
                                 std::string("."),
                                 std::string(".."),
                                 std::string("..."),
                                 std::string("qct_0123456789"),
                                 token + ".",
                                 "." + token,
                                 token + ".AAAA",
                                 token + "=",
                                 token + "==",
                                 token + "\n",
                                 " " + token,
                                 "Bearer " + token,
                                 std::string(token).replace(dot, 1, ".."),
                                 std::string(token).replace(dot, 1, ""),
                                 std::string(token).insert(dot, "="),
                                 std::string(token).insert(5, 1, '\0'),
                                 token + '\0',
                                 std::string(token).insert(dot + 1, 1, '\0'),
                                 std::string(token).replace(3, 1, "+"),
                                 std::string(token).replace(3, 1, "/"),
                                 std::string(token).replace(3, 1, "\xc3")}) {
    EXPECT_EQ(Result(bad), "malformed") << bad;
  }
  // The last digit of an ES256 signature, 64 bytes, has four bits that mean nothing.
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string other = token;
  other.back() = digits[digits.find(other.back()) + 1];
  EXPECT_EQ(Result(other), "malformed");
}

TEST_F(VerifyJwtTest, RejectsTruncatedTokensAtEveryPosition) {
  for (const std::string& token : {Ec().Token(Claims(), "ES256", "ec"), Rsa().Token(Claims(), "PS256", "rsa")}) {
    for (size_t size = 0; size < token.size(); ++size) {
      EXPECT_THAT(Result(token.substr(0, size)), testing::AnyOf("malformed", "signature")) << size;
    }
  }
}

TEST_F(VerifyJwtTest, RejectsEveryChangedCharacter) {
  const std::string token = Ec().Token(Claims(), "ES256", "ec");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(Result(changed), "ok") << i;
  }
}

TEST_F(VerifyJwtTest, BoundsLargeTokens) {
  EXPECT_EQ(Result(std::string(100 << 20, 'x')), "malformed");
  EXPECT_EQ(Result(std::string(kMaxJwtBytes + 1, 'x')), "malformed");
  EXPECT_THAT(Message(std::string(20'000, 'x')), HasSubstr("the token has 20000 bytes; at most 8192"));
  const size_t overhead = Ec().Token(With("x", ""), "ES256", "ec").size();
  const std::string filler((kMaxJwtBytes - overhead) * 3 / 4 - 3, 'x');
  EXPECT_EQ(ResultOf(With("x", filler)), "ok");
  EXPECT_EQ(ResultOf(With("x", filler + std::string(16, 'x'))), "malformed");
}

TEST_F(VerifyJwtTest, BoundsDeepAndWideTokens) {
  const std::string header = R"({"alg":"ES256","kid":"ec"})";
  const auto nested = [&](size_t depth, absl::string_view open, absl::string_view close) {
    std::string text;
    for (size_t i = 0; i < depth; ++i) absl::StrAppend(&text, open);
    absl::StrAppend(&text, "1");
    for (size_t i = 0; i < depth; ++i) absl::StrAppend(&text, close);
    return absl::StrCat("{\"x\":", text, ",", Claims().dump().substr(1));
  };
  EXPECT_EQ(Result(Ec().RawToken(header, nested(31, "[", "]"), "ES256")), "ok");
  EXPECT_EQ(Result(Ec().RawToken(header, nested(32, "[", "]"), "ES256")), "malformed");
  EXPECT_EQ(Result(Ec().RawToken(header, nested(32, "{\"a\":", "}"), "ES256")), "malformed");
  EXPECT_EQ(Result(Ec().RawToken(header, nested(2500, "[", "]"), "ES256")), "malformed");
  EXPECT_EQ(Result(Ec().RawToken(header, std::string(5'500, '['), "ES256")), "malformed");
  EXPECT_EQ(Result(Ec().RawToken(std::string(5'500, '['), Claims().dump(), "ES256")), "malformed");
  const absl::Time start = absl::Now();
  std::string wide = "{\"x\":[";
  for (int i = 0; i < 1800; ++i) absl::StrAppend(&wide, "{},");
  absl::StrAppend(&wide, "{}],", Claims().dump().substr(1));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Result(Ec().RawToken(header, wide, "ES256")), "ok");
  EXPECT_LT(absl::Now() - start, absl::Seconds(2));
}

TEST_F(VerifyJwtTest, ErrorsHaveNothingElseOfTheToken) {
  json claims = With("sub", "secret-subject");
  claims["exp"] = 0;
  for (const std::string& token : {Ec().Token(claims, "ES256", "ec"), OtherRsa().Token(claims, "RS256", "secret-kid"),
                                   Ec().RawToken(R"({"alg":"secret-alg"})", claims.dump(), "ES256"),
                                   Ec().RawToken(R"({"alg":"ES256")", claims.dump(), "ES256")}) {
    EXPECT_THAT(Verify(token).status().ToString(), Not(HasSubstr("secret")));
    EXPECT_THAT(Verify(token).status().ToString(), Not(HasSubstr(token.substr(0, 20))));
  }
}

TEST_F(VerifyJwtTest, VerifiesOnManyThreads) {
  const std::string good = Rsa().Token(Claims(), "PS256", "rsa");
  const std::string ec = Ec().Token(Claims(), "ES256", "ec");
  const std::string forged = OtherRsa().Token(Claims(), "PS256", "rsa");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) {
        EXPECT_EQ(Result(good), "ok");
        EXPECT_EQ(Result(ec), "ok");
        EXPECT_EQ(Result(forged), "signature");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace qconfig
