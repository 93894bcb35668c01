// SPDX-License-Identifier: Apache-2.0
//
// The credentials of a call. Input: a letter and lines. "c": the lines are the URIs of a certificate; "a" and others:
// they are the values of the metadata `authorization`, and with "a" the policy lets anonymous callers in.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/canonical_json.h"
#include "core/error.h"
#include "core/utf8.h"
#include "server/auth/authenticator.h"
#include "server/auth/policy_reader.h"
#include "tests/fuzz/fuzz.h"

namespace qconfig {
namespace {

constexpr absl::string_view kToken = "qct_secret";
constexpr absl::string_view kUri = "spiffe://corp/ops";

std::shared_ptr<const Policy> MakePolicy(absl::string_view anonymous) {
  const auto no_files = [](const std::string&) { return absl::StatusOr<std::string>(absl::NotFoundError("missing")); };
  auto policy = ReadPolicy(absl::StrCat("version: 1\nprincipals:\n  farm: {tokens: [{sha256: ", Sha256Hex(kToken),
                                        "}], grants: [{role: reader, tenants: [a]}]}\n",
                                        "  ops: {certificates: [{uri: '", kUri, "'}], role: operator}\n", anonymous),
                           no_files);
  FUZZ_CHECK(policy.ok(), policy.status().ToString());
  return *std::move(policy);
}

// Whether a value is "Bearer" and the token.
bool IsToken(absl::string_view value) {
  constexpr absl::string_view kScheme = "bearer ";
  return absl::StartsWithIgnoreCase(value, kScheme) &&
         absl::StripAsciiWhitespace(value.substr(kScheme.size())) == kToken;
}

// The caller whom the policy has for the credentials; empty: none.
std::string Expected(const Credentials& credentials, bool has_anonymous) {
  const auto& values = credentials.authorization;
  if (!values.empty()) return values.size() == 1 && IsToken(values.front()) ? "farm" : "";
  const auto& uris = credentials.certificate.uris;
  const bool has_nul =
      std::any_of(uris.begin(), uris.end(), [](const auto& uri) { return absl::StrContains(uri, '\0'); });
  if (!has_nul && std::find(uris.begin(), uris.end(), kUri) != uris.end()) return "ops";
  return has_anonymous ? "anonymous" : "";
}

void Check(const std::shared_ptr<const Policy>& policy, const Credentials& credentials, bool has_anonymous) {
  Authenticator authenticator{Clock()};
  authenticator.SetPolicy(policy);
  // Others are known already, and must not be mistaken for this caller.
  const std::string bearer = absl::StrCat("Bearer ", kToken);
  FUZZ_CHECK(authenticator.Authenticate({{bearer}, {}}).ok(), bearer);
  FUZZ_CHECK(authenticator.Authenticate({{}, {{std::string(kUri)}, {"ops.corp"}, ""}}).ok(), kUri);

  const std::string expected = Expected(credentials, has_anonymous);
  for (int i = 0; i < 2; ++i) {
    const auto caller = authenticator.Authenticate(credentials);
    FUZZ_CHECK((caller.ok() ? (*caller)->principal->name : "") == expected, caller.status().ToString());
    if (caller.ok()) {
      FUZZ_CHECK(!absl::StrContains((*caller)->credential, kToken), (*caller)->credential);
      continue;
    }
    const v1::ItemError error = ItemErrorOf(caller.status());
    const bool is_missing = credentials.authorization.empty() && credentials.certificate.empty();
    FUZZ_CHECK(
        error.reason() == (is_missing ? v1::ERROR_REASON_CREDENTIALS_MISSING : v1::ERROR_REASON_CREDENTIALS_INVALID),
        error.message());
    FUZZ_CHECK(IsPrintable(error.message()) && error.message().size() < 1000, error.message());
    const bool may_quote = credentials.authorization.empty();  // a name of the certificate, which may look like a token
    FUZZ_CHECK(may_quote || !absl::StrContains(error.message(), kToken), error.message());
  }
}

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  static const auto* const kStrict = new std::shared_ptr<const Policy>(MakePolicy(""));
  static const auto* const kOpen =
      new std::shared_ptr<const Policy>(MakePolicy("anonymous: {grants: [{role: reader, tenants: [public]}]}\n"));
  absl::string_view text = fuzz::AsText(data, size);
  const auto form = static_cast<char>(fuzz::TakeByte(text));
  Credentials credentials;
  if (form == 'c') {
    credentials.certificate.uris = absl::StrSplit(text, '\n', absl::SkipEmpty());
  } else if (!text.empty()) {
    for (absl::string_view value : absl::StrSplit(text, '\n')) credentials.authorization.push_back(value);
  }
  const bool has_anonymous = form == 'a';
  Check(has_anonymous ? *kOpen : *kStrict, credentials, has_anonymous);
  return 0;
}
