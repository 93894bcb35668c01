// SPDX-License-Identifier: Apache-2.0
#include "server/auth/policy.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/canonical_json.h"
#include "core/error.h"

namespace qconfig {
namespace {

Error Invalid(absl::string_view rule) { return Error(v1::ERROR_REASON_CREDENTIALS_INVALID).Rule(rule); }

// Only the log names the principals.
absl::Status Ambiguous(const Principal& a, const Principal& b, Caller& claimed) {
  absl::StrAppend(&claimed.credential, " of both ", a.name, " and ", b.name);
  return Invalid("unknown").ToStatus(
      "the policy gives this credential to several principals; ask the operators of the server to correct it");
}

bool IsDnsWildcard(const CertificateEntry& entry) {
  return entry.kind == CertificateEntry::Kind::kDns && absl::StartsWith(entry.pattern.text(), "*.");
}

// Whether `name` is ".ci.corp" with one label before it.
bool HasOneMoreLabel(absl::string_view name, absl::string_view suffix) {
  return absl::ConsumeSuffix(&name, suffix) && !name.empty() && !absl::StrContains(name, '.');
}

bool Matches(const CertificateEntry& entry, absl::string_view name) {
  if (IsDnsWildcard(entry)) return HasOneMoreLabel(name, absl::string_view(entry.pattern.text()).substr(1));
  return entry.pattern.Matches(name);
}

bool Matches(const CertificateEntry& entry, const PeerCertificate& certificate) {
  const auto matches = [&entry](const std::string& name) { return Matches(entry, name); };
  switch (entry.kind) {
    case CertificateEntry::Kind::kUri:
      return std::any_of(certificate.uris.begin(), certificate.uris.end(), matches);
    case CertificateEntry::Kind::kDns:
      return std::any_of(certificate.dns.begin(), certificate.dns.end(), matches);
    case CertificateEntry::Kind::kCommonName:
      return certificate.uris.empty() && certificate.dns.empty() && matches(certificate.common_name);
  }
  return false;
}

bool Matches(const JwtEntry& entry, const VerifiedJwt& jwt) {
  if (entry.issuer != jwt.issuer->name) return false;
  const auto claim = jwt.claims.find(entry.claim);
  if (claim == jwt.claims.end()) return false;
  const auto matches = [&entry](const nlohmann::json& value) {
    return value.is_string() &&
           std::any_of(entry.values.begin(), entry.values.end(), [&value](const NamePattern& allowed) {
             return allowed.Matches(value.get_ref<const std::string&>());
           });
  };
  return claim->is_array() ? std::any_of(claim->begin(), claim->end(), matches) : matches(*claim);
}

// The principal of the only entry that matches, or of all that match; null if none does.
template <typename Entry, typename Subject>
absl::StatusOr<std::shared_ptr<const Principal>> FindPrincipal(const std::vector<Entry>& entries,
                                                               const Subject& subject, Caller& claimed) {
  std::shared_ptr<const Principal> found;
  for (const Entry& entry : entries) {
    if (!Matches(entry, subject)) continue;
    if (found != nullptr && found != entry.principal) return Ambiguous(*found, *entry.principal, claimed);
    found = entry.principal;
  }
  return found;
}

std::string NamesOf(const PeerCertificate& certificate) {
  if (certificate.uris.empty() && certificate.dns.empty()) return absl::StrCat("CN ", certificate.common_name);
  std::vector<std::string> names;
  names.reserve(certificate.uris.size() + certificate.dns.size());
  for (const std::string& uri : certificate.uris) names.push_back(absl::StrCat("URI ", uri));
  for (const std::string& dns : certificate.dns) names.push_back(absl::StrCat("DNS ", dns));
  return absl::StrJoin(names, ", ");
}

}  // namespace

std::string ShownHash(absl::string_view sha256) {
  constexpr size_t kDigits = 8;
  return std::string(sha256.substr(0, kDigits));
}

std::string CredentialName(absl::string_view kind, absl::string_view sha256) {
  return absl::StrCat(kind, " ", ShownHash(sha256));
}

Policy::Policy(Parts parts) : parts_(std::move(parts)) {
  for (const TokenEntry& token : parts_.tokens) tokens_.emplace(token.sha256, &token);
}

absl::StatusOr<Caller> Policy::FindToken(absl::string_view token, absl::Time now, Caller* claimed) const {
  Caller unused;
  Caller& shown = claimed == nullptr ? unused : *claimed;
  const std::string sha256 = Sha256Hex(token);
  shown.credential = CredentialName("token", sha256);
  if (const auto it = tokens_.find(sha256); it != tokens_.end()) {
    const TokenEntry& entry = *it->second;
    if (now < entry.expires) return Caller{entry.principal, shown.credential, entry.expires};
    shown.principal = entry.principal;
    return Invalid("expired").ToStatus(
        absl::StrCat("the token of ", entry.principal->name, " expired at ",
                     absl::FormatTime(absl::RFC3339_sec, entry.expires, absl::UTCTimeZone()),
                     "; ask the operators of the server for a new one"));
  }
  if (std::count(token.begin(), token.end(), '.') == 2 && !parts_.issuers.empty()) {
    shown.credential = CredentialName("jwt", sha256);
    return FindJwt(token, now, shown);
  }
  return Invalid("unknown").ToStatus(
      "the server's policy does not have this token; it may have been revoked, or belong to another server");
}

absl::StatusOr<Caller> Policy::FindJwt(absl::string_view token, absl::Time now, Caller& claimed) const {
  const absl::StatusOr<VerifiedJwt> jwt = VerifyJwt(token, parts_.issuers, now);
  if (!jwt.ok()) return jwt.status();
  auto principal = FindPrincipal(parts_.jwts, *jwt, claimed);
  if (!principal.ok()) return principal.status();
  if (*principal != nullptr) return Caller{*std::move(principal), claimed.credential, jwt->expires};
  return Invalid("unknown").ToStatus(
      absl::StrCat("the token of the issuer ", jwt->issuer->name,
                   " is valid, but none of the principals in the server's policy has its claims"));
}

absl::StatusOr<Caller> Policy::FindCertificate(const PeerCertificate& certificate, Caller* claimed) const {
  Caller unused;
  Caller& shown = claimed == nullptr ? unused : *claimed;
  const std::string names = NamesOf(certificate);
  shown.credential = CredentialName("certificate", Sha256Hex(names));
  if (absl::StrContains(names, '\0')) {
    return Invalid("malformed").Value(names).ToStatus("a name of the client certificate has a NUL character");
  }
  auto principal = FindPrincipal(parts_.certificates, certificate, shown);
  if (!principal.ok()) return principal.status();
  if (*principal != nullptr) {
    return Caller{*std::move(principal), shown.credential, absl::InfiniteFuture()};
  }
  return Invalid("unknown").Value(names).ToStatus(
      "none of the principals in the server's policy has a name of this client certificate");
}

bool SomebodyCanCall(const Policy::Parts& parts, absl::Time now) {
  if (parts.anonymous != nullptr) return true;
  const auto may_call = [](const auto& entry) { return !entry.principal->grants.empty(); };
  return std::any_of(parts.tokens.begin(), parts.tokens.end(),
                     [&](const TokenEntry& token) { return may_call(token) && now < token.expires; }) ||
         std::any_of(parts.certificates.begin(), parts.certificates.end(), may_call) ||
         std::any_of(parts.jwts.begin(), parts.jwts.end(), may_call);
}

bool Overlap(const CertificateEntry& a, const CertificateEntry& b) {
  if (a.kind != b.kind) return false;
  const absl::string_view ours = a.pattern.text();
  const absl::string_view theirs = b.pattern.text();
  if (IsDnsWildcard(a) && IsDnsWildcard(b)) return ours == theirs;
  if (!IsDnsWildcard(a) && !IsDnsWildcard(b)) return a.pattern.Overlaps(b.pattern);
  return IsDnsWildcard(a) ? Matches(a, theirs) : Matches(b, ours);
}

}  // namespace qconfig
