// SPDX-License-Identifier: Apache-2.0
//
// JSON Web Tokens and key sets. Input: a letter, and depending on it
//   t: a token
//   s: the header and the payload of a token, which this program signs, separated by a line feed
//   k: a key set
#include <openssl/err.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/utf8.h"
#include "server/auth/jwt.h"
#include "tests/fuzz/fuzz.h"
#include "tests/server/auth/test_issuer.h"

namespace qconfig {
namespace {

using nlohmann::json;

constexpr absl::string_view kRules[] = {"malformed", "issuer",        "algorithm", "signature",
                                        "expired",   "not_yet_valid", "audience",  "claim"};

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

const TestIssuer& Signer() {
  static const auto* const kSigner = new TestIssuer(TestIssuer::Ec());
  return *kSigner;
}

const std::vector<JwtIssuer>& Issuers() {
  static const auto* const kIssuers = [] {
    JwtIssuer issuer;
    issuer.name = "ci";
    issuer.issuer = "i";
    issuer.audience = "a";
    issuer.algorithms = {"ES256", "RS256"};
    issuer.keys = JwkSet::Parse(JwksText({Signer().Jwk("k")})).value();
    return new std::vector<JwtIssuer>{issuer};
  }();
  return *kIssuers;
}

void CheckError(const absl::Status& status) {
  const v1::ItemError error = ItemErrorOf(status);
  FUZZ_CHECK(error.reason() == v1::ERROR_REASON_CREDENTIALS_INVALID, status.ToString());
  FUZZ_CHECK(std::find(std::begin(kRules), std::end(kRules), error.detail().rule()) != std::end(kRules),
             error.detail().rule());
  FUZZ_CHECK(IsPrintable(error.message()) && error.message().size() < 1000, error.message());
}

// Checks the claims of a token that is accepted once more.
void CheckClaims(const VerifiedJwt& verified) {
  const json& claims = verified.claims;
  FUZZ_CHECK(verified.issuer == Issuers().data() && claims.at("iss") == "i", claims.dump());
  const double expiry = claims.at("exp").get<double>() + 30;
  FUZZ_CHECK(expiry > 1.8e9 && verified.expires > kNow, claims.dump());
  FUZZ_CHECK(claims.value("nbf", 0.0) <= 1.8e9 + 30, claims.dump());
  const json& audience = claims.at("aud");
  FUZZ_CHECK(audience == "a" || std::find(audience.begin(), audience.end(), "a") != audience.end(), claims.dump());
}

void CheckToken(const std::string& token, bool is_signed) {
  const auto verified = VerifyJwt(token, Issuers(), kNow);
  FUZZ_CHECK(ERR_peek_error() == 0, token);
  if (!verified.ok()) return CheckError(verified.status());
  FUZZ_CHECK(is_signed, token);
  CheckClaims(*verified);
}

void CheckKeys(absl::string_view text) {
  const auto keys = JwkSet::Parse(text);
  FUZZ_CHECK(ERR_peek_error() == 0, text);
  if (keys.ok()) {
    FUZZ_CHECK((*keys)->size() > 0 && (*keys)->size() <= JwkSet::kMaxKeys, text);
    FUZZ_CHECK(!(*keys)->Verify(Signer().Token(json::object(), "ES256", ""), "ES256", std::nullopt).ok(), text);
    return;
  }
  FUZZ_CHECK(keys.status().code() == absl::StatusCode::kInvalidArgument && IsPrintable(keys.status().message()) &&
                 !keys.status().message().empty(),
             keys.status().ToString());
}

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  absl::string_view text = fuzz::AsText(data, size);
  switch (fuzz::TakeByte(text)) {
    case 's': {
      const absl::string_view header = fuzz::TakeUntil("\n", text);
      CheckToken(Signer().RawToken(header, text, "ES256"), true);
      break;
    }
    case 'k':
      CheckKeys(text);
      break;
    default:
      CheckToken(std::string(text), false);
  }
  return 0;
}
