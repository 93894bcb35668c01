// SPDX-License-Identifier: Apache-2.0
//
// The metadata `authorization` of a call, of which the policy knows one token. Input: a letter, "a" if the policy also
// lets anonymous callers in, and the values, separated by line feeds.
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

Authenticator* NewAuthenticator(absl::string_view anonymous) {
  const auto no_files = [](const std::string&) { return absl::StatusOr<std::string>(absl::NotFoundError("missing")); };
  const auto policy = ReadPolicy(absl::StrCat("version: 1\nprincipals:\n  farm: {tokens: [{sha256: ", Sha256Hex(kToken),
                                              "}], grants: []}\n", anonymous),
                                 no_files, absl::UnixEpoch());
  FUZZ_CHECK(policy.ok(), policy.status().ToString());
  auto* const authenticator = new Authenticator(Clock());
  authenticator->SetPolicy(*policy);
  return authenticator;
}

// Whether a value is "Bearer" and the token.
bool IsToken(absl::string_view value) {
  constexpr absl::string_view kScheme = "bearer ";
  return absl::StartsWithIgnoreCase(value, kScheme) &&
         absl::StripAsciiWhitespace(value.substr(kScheme.size())) == kToken;
}

void Check(Authenticator& authenticator, const Credentials& credentials, bool has_anonymous) {
  const auto& values = credentials.authorization;
  const auto caller = authenticator.Authenticate(credentials);
  const bool is_known = values.empty() ? has_anonymous : values.size() == 1 && IsToken(values.front());
  FUZZ_CHECK(caller.ok() == is_known, caller.status().ToString());
  FUZZ_CHECK((authenticator.FindKnown(credentials) != nullptr) == is_known, caller.status().ToString());
  if (caller.ok()) {
    FUZZ_CHECK((*caller)->principal->name == (values.empty() ? "anonymous" : "farm"), (*caller)->principal->name);
    FUZZ_CHECK(!absl::StrContains((*caller)->credential, kToken), (*caller)->credential);
    return;
  }
  const v1::ItemError error = ItemErrorOf(caller.status());
  FUZZ_CHECK(
      error.reason() == (values.empty() ? v1::ERROR_REASON_CREDENTIALS_MISSING : v1::ERROR_REASON_CREDENTIALS_INVALID),
      error.message());
  FUZZ_CHECK(IsPrintable(error.message()) && error.message().size() < 1000, error.message());
  FUZZ_CHECK(!absl::StrContains(error.message(), kToken), error.message());
}

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  static Authenticator* const kStrict = NewAuthenticator("");
  static Authenticator* const kOpen = NewAuthenticator("anonymous: {grants: [{role: reader, tenants: [public]}]}\n");
  absl::string_view text = fuzz::AsText(data, size);
  const bool has_anonymous = fuzz::TakeByte(text) == 'a';
  Credentials credentials;
  if (!text.empty()) credentials.authorization = absl::StrSplit(text, '\n');
  Check(has_anonymous ? *kOpen : *kStrict, credentials, has_anonymous);
  return 0;
}
