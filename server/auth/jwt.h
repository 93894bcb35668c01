// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_JWT_H_
#define QCONFIG_SERVER_AUTH_JWT_H_

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/auth/jwk_set.h"

namespace qconfig {

// Longer tokens are rejected before anything is decoded. gRPC accepts no more metadata than this in a call.
constexpr size_t kMaxJwtBytes = 8192;

// Whose JSON Web Tokens the server accepts, and how it verifies them.
struct JwtIssuer {
  std::string name;                              // in the policy
  std::string issuer;                            // the `iss` of the tokens, exactly
  std::string audience;                          // must be in the `aud` of the tokens
  std::vector<std::string> algorithms;           // the accepted ones; see IsSupportedAlgorithm()
  absl::Duration leeway = absl::Seconds(30);     // by which the clocks may differ
  std::shared_ptr<const JwkSet> keys = nullptr;  // never null when tokens are verified
};

struct VerifiedJwt {
  const JwtIssuer* issuer;  // one of the issuers that were passed
  nlohmann::json claims;    // an object without duplicate keys
  absl::Time expires;       // VerifyJwt() rejects the token from then on: its `exp` and the leeway
};

// Verifies a token (RFC 7519) in compact form: with the issuer whose `issuer` is the `iss` of the token, the algorithm
// is one of the issuer's, a key of the issuer verifies the signature, and `now` and the audience are as the token says.
// Takes no key from the token. Thread-safe.
// CREDENTIALS_INVALID, with a rule:
//   malformed      not a JSON Web Token, more than kMaxJwtBytes, or `crit`, which no version of the server supports
//   issuer         no issuer has this `iss`
//   algorithm      not in the list of the issuer; always for `none` and for algorithms with a shared key
//   signature      wrong, or no key of the issuer fits
//   claim          `iss`, `exp` or `aud` is missing, or one of them or `nbf` has a wrong type or value
//   expired, not_yet_valid, audience
// The message has nothing of the token except its `iss`, printable and truncated.
// REQUIRES: no two issuers have the same `issuer`; the result is used only as long as `issuers` exists.
absl::StatusOr<VerifiedJwt> VerifyJwt(absl::string_view token, const std::vector<JwtIssuer>& issuers, absl::Time now);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_JWT_H_
