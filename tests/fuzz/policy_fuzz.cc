// SPDX-License-Identifier: Apache-2.0
//
// Files of --auth-policy. Input: the YAML text. Every key file that it names has one key.
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "core/utf8.h"
#include "server/auth/policy_reader.h"
#include "tests/fuzz/fuzz.h"
#include "tests/server/auth/test_issuer.h"

namespace qconfig {
namespace {

void CheckMistakes(const absl::Status& status) {
  FUZZ_CHECK(status.code() == absl::StatusCode::kInvalidArgument, status.ToString());
  FUZZ_CHECK(!status.message().empty() && status.message().size() < 100'000, status.message());
  for (const absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    FUZZ_CHECK(!line.empty() && IsPrintable(line), status.message());
  }
}

// A credential belongs to one principal, and every role is one that grants something.
void CheckPolicy(const Policy& policy, absl::string_view text) {
  const Policy::Parts& parts = policy.parts();
  for (size_t i = 0; i < parts.certificates.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      FUZZ_CHECK(parts.certificates[i].principal == parts.certificates[j].principal ||
                     !Overlap(parts.certificates[i], parts.certificates[j]),
                 text);
    }
  }
  for (const auto& principal : parts.principals) {
    FUZZ_CHECK(!principal->name.empty() && principal->name != "anonymous" && IsPrintable(principal->name), text);
    for (const Grant& grant : principal->grants) {
      FUZZ_CHECK(grant.role >= v1::ROLE_READER && !grant.tenants.empty(), text);
      for (const NamePattern& tenant : grant.tenants) {
        const std::string name = tenant.is_prefix() ? tenant.text().substr(0, tenant.text().size() - 1) : tenant.text();
        FUZZ_CHECK(principal->RoleFor(name) >= grant.role, text);
      }
    }
  }
  const bool lets_somebody_in =
      parts.anonymous != nullptr || !parts.tokens.empty() || !parts.certificates.empty() || !parts.jwts.empty();
  FUZZ_CHECK(lets_somebody_in, text);
}

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  static const auto* const kKeys = new std::string(JwksText({TestIssuer::Ec().Jwk("k")}));
  const absl::string_view text = fuzz::AsText(data, size);
  const auto policy = ReadPolicy(std::string(text), [](const std::string&) { return *kKeys; });
  policy.ok() ? CheckPolicy(**policy, text) : CheckMistakes(policy.status());
  return 0;
}
