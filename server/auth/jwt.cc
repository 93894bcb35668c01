// SPDX-License-Identifier: Apache-2.0
#include "server/auth/jwt.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/error.h"
#include "core/status_macros.h"
#include "server/auth/token_json.h"

namespace qconfig {
namespace {

using nlohmann::json;

Error InvalidJwt(absl::string_view rule) { return Error(v1::ERROR_REASON_CREDENTIALS_INVALID).Rule(rule); }

absl::Status MalformedJwt(absl::string_view what) {
  return InvalidJwt("malformed")
      .Advice("Send the token as the issuer made it: three parts in base64url, separated by dots")
      .ToStatus(what);
}

absl::Status WrongClaim(absl::string_view what) {
  return InvalidJwt("claim").Advice("Request a token with this claim from the issuer").ToStatus(what);
}

// A token before its signature is verified.
struct ParsedJwt {
  std::string algorithm;
  std::optional<std::string> kid;
  json claims;
};

absl::StatusOr<json> DecodePart(absl::string_view name, absl::string_view bytes) {
  absl::StatusOr<json> decoded = ParseTokenJson(bytes);
  if (!decoded.ok()) return MalformedJwt(absl::StrCat("the ", name, " of the token ", decoded.status().message()));
  return decoded;
}

absl::StatusOr<ParsedJwt> ParseJwt(absl::string_view token) {
  if (token.size() > kMaxJwtBytes) {
    return MalformedJwt(
        absl::StrCat("the token has ", token.size(), " bytes; at most ", kMaxJwtBytes, " are accepted"));
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(token, absl::MaxSplits('.', 3));
  if (parts.size() != 3) return MalformedJwt("the token does not have three parts");
  std::string bytes[3];
  for (size_t i = 0; i < 3; ++i) {
    // The decoder accepts padding, spaces and unused bits, which the encoder does not write.
    if (!absl::WebSafeBase64Unescape(parts[i], &bytes[i]) || absl::WebSafeBase64Escape(bytes[i]) != parts[i]) {
      return MalformedJwt("a part of the token is not in base64url without padding");
    }
  }
  QCONFIG_ASSIGN_OR_RETURN(const json header, DecodePart("header", bytes[0]));
  ParsedJwt parsed;
  QCONFIG_ASSIGN_OR_RETURN(parsed.claims, DecodePart("payload", bytes[1]));
  if (header.contains("crit")) {
    return MalformedJwt("the header of the token has `crit`, and the server supports no extension of tokens");
  }
  const auto algorithm = header.find("alg");
  if (algorithm == header.end() || !algorithm->is_string()) {
    return MalformedJwt("the header of the token has no `alg`");
  }
  parsed.algorithm = algorithm->get<std::string>();
  const auto kid = header.find("kid");
  if (kid == header.end()) return parsed;
  if (!kid->is_string()) return MalformedJwt("the `kid` of the token is not a string");
  parsed.kid = kid->get<std::string>();
  return parsed;
}

absl::StatusOr<const JwtIssuer*> FindIssuer(const json& claims, const std::vector<JwtIssuer>& issuers) {
  const auto claim = claims.find("iss");
  if (claim == claims.end() || !claim->is_string()) return WrongClaim("the token has no issuer (`iss`)");
  const auto name = claim->get<std::string>();
  const auto found =
      std::find_if(issuers.begin(), issuers.end(), [&](const JwtIssuer& issuer) { return issuer.issuer == name; });
  if (found != issuers.end()) return &*found;
  return InvalidJwt("issuer")
      .Value(name)
      .Advice("Use a token of an issuer in the server's policy; the server's operator knows them")
      .ToStatus("the server accepts no tokens of this issuer");
}

absl::Status CheckAlgorithm(const std::string& algorithm, const JwtIssuer& issuer) {
  const auto& accepted = issuer.algorithms;
  if (IsSupportedAlgorithm(algorithm) && std::find(accepted.begin(), accepted.end(), algorithm) != accepted.end()) {
    return absl::OkStatus();
  }
  return InvalidJwt("algorithm")
      .Allowed({accepted.begin(), accepted.end()})
      .Advice("Request a token that is signed with an accepted algorithm")
      .ToStatus("the token is signed with an algorithm (`alg`) that the server does not accept from its issuer");
}

// The time of a claim in seconds since 1970, which may be fractional. None if the token does not have the claim.
absl::StatusOr<std::optional<absl::Time>> TimeClaim(const json& claims, const char* name) {
  constexpr double kMaxSeconds = 253402300799;  // the end of the year 9999; milliseconds are larger
  const auto claim = claims.find(name);
  if (claim == claims.end()) return std::nullopt;
  const double seconds = claim->is_number() ? claim->get<double>() : -1;
  if (!(seconds >= 0 && seconds <= kMaxSeconds)) {
    return WrongClaim(absl::StrCat("the `", name, "` of the token is not a time in seconds since 1970"));
  }
  return absl::UnixEpoch() + absl::Seconds(seconds);
}

// The time from which the token is rejected.
absl::StatusOr<absl::Time> CheckTimes(const json& claims, const JwtIssuer& issuer, absl::Time now) {
  QCONFIG_ASSIGN_OR_RETURN(const std::optional<absl::Time> expiry, TimeClaim(claims, "exp"));
  if (!expiry.has_value()) return WrongClaim("the token has no time of expiry (`exp`)");
  QCONFIG_ASSIGN_OR_RETURN(const std::optional<absl::Time> begin, TimeClaim(claims, "nbf"));
  if (now >= *expiry + issuer.leeway) {
    return InvalidJwt("expired").Advice("Request a new token from its issuer").ToStatus("the token has expired");
  }
  if (begin.has_value() && now < *begin - issuer.leeway) {
    return InvalidJwt("not_yet_valid")
        .Advice("Wait, or compare the clocks of issuer and server")
        .ToStatus("the token is not valid yet (`nbf`)");
  }
  return *expiry + issuer.leeway;
}

absl::Status CheckAudience(const json& claims, const JwtIssuer& issuer) {
  const auto claim = claims.find("aud");
  if (claim == claims.end()) return WrongClaim("the token has no audience (`aud`)");
  const json audiences = claim->is_array() ? *claim : json::array({*claim});
  bool is_accepted = false;
  for (const json& audience : audiences) {
    if (!audience.is_string())
      return WrongClaim("the audience of the token (`aud`) is neither a string nor a list of them");
    is_accepted = is_accepted || audience.get<std::string>() == issuer.audience;
  }
  if (is_accepted) return absl::OkStatus();
  return InvalidJwt("audience")
      .Allowed({issuer.audience})
      .Advice("Request a token for this audience from the issuer")
      .ToStatus("the token is for another audience (`aud`)");
}

}  // namespace

absl::StatusOr<VerifiedJwt> VerifyJwt(absl::string_view token, const std::vector<JwtIssuer>& issuers, absl::Time now) {
  QCONFIG_ASSIGN_OR_RETURN(ParsedJwt parsed, ParseJwt(token));
  QCONFIG_ASSIGN_OR_RETURN(const JwtIssuer* const issuer, FindIssuer(parsed.claims, issuers));
  QCONFIG_RETURN_IF_ERROR(CheckAlgorithm(parsed.algorithm, *issuer));
  const absl::Status verified = issuer->keys->Verify(std::string(token), parsed.algorithm, parsed.kid);
  if (!verified.ok()) {
    return InvalidJwt("signature")
        .Advice("Request a new token; if that fails too, the server's operator must update the keys of the issuer")
        .ToStatus(verified.message());
  }
  // The errors of claims say what the server accepts for a caller, so only tokens of the issuer cause them.
  QCONFIG_ASSIGN_OR_RETURN(const absl::Time expires, CheckTimes(parsed.claims, *issuer, now));
  QCONFIG_RETURN_IF_ERROR(CheckAudience(parsed.claims, *issuer));
  return VerifiedJwt{issuer, std::move(parsed.claims), expires};
}

}  // namespace qconfig
