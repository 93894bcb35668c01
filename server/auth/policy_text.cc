// SPDX-License-Identifier: Apache-2.0
#include "server/auth/policy_text.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

constexpr size_t kShownChars = 256;
constexpr char kAnonymous[] = "callers without credentials";
constexpr char kNoCredential[] = " (no valid credential)";

std::string Shown(const std::string& text) { return Printable(text, kShownChars); }

std::string PatternsOf(const std::vector<NamePattern>& patterns) {
  return absl::StrJoin(patterns, ", ", [](std::string* out, const NamePattern& pattern) {
    absl::StrAppend(out, pattern.text() == "*" ? "all tenants" : Shown(pattern.text()));
  });
}

std::string TimeText(absl::Time time) { return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone()); }

std::string NameOf(const TokenEntry& token) { return CredentialName("token", token.sha256); }

absl::string_view KindOf(const CertificateEntry& certificate) {
  switch (certificate.kind) {
    case CertificateEntry::Kind::kUri:
      return "URI";
    case CertificateEntry::Kind::kDns:
      return "DNS name";
    case CertificateEntry::Kind::kCommonName:
      return "common name";
  }
  return "";
}

// The credentials of a principal, one in each line.
std::vector<std::string> CredentialLines(const Policy::Parts& parts, const Principal* principal) {
  std::vector<std::string> lines;
  for (const TokenEntry& token : parts.tokens) {
    if (token.principal.get() != principal) continue;
    const bool expires = token.expires != absl::InfiniteFuture();
    lines.push_back(absl::StrCat(NameOf(token), expires ? ", until " + TimeText(token.expires) : ", does not expire"));
  }
  for (const CertificateEntry& certificate : parts.certificates) {
    if (certificate.principal.get() != principal) continue;
    lines.push_back(absl::StrCat("certificate with the ", KindOf(certificate), " ", Shown(certificate.pattern.text())));
  }
  for (const JwtEntry& jwt : parts.jwts) {
    if (jwt.principal.get() != principal) continue;
    const std::string values = absl::StrJoin(jwt.values, " or ", [](std::string* out, const NamePattern& value) {
      absl::StrAppend(out, Shown(value.text()));
    });
    lines.push_back(absl::StrCat("JSON Web Token of ", Shown(jwt.issuer), " with the ", Shown(jwt.claim), " ", values));
  }
  return lines;
}

// The principals as whom somebody can call at `now`.
std::set<const Principal*> WithValidCredential(const Policy::Parts& parts, absl::Time now) {
  std::set<const Principal*> principals;
  for (const TokenEntry& token : parts.tokens) {
    if (now < token.expires) principals.insert(token.principal.get());
  }
  for (const CertificateEntry& certificate : parts.certificates) principals.insert(certificate.principal.get());
  for (const JwtEntry& jwt : parts.jwts) principals.insert(jwt.principal.get());
  return principals;
}

// Its roles, one in each line, its default tenant and its limits.
std::vector<std::string> GrantsOf(const Principal& principal) {
  std::vector<std::string> lines;
  for (const Grant& grant : principal.grants) {
    const bool creates_more = grant.creates && grant.role != v1::ROLE_OPERATOR;
    lines.push_back(absl::StrCat(RoleName(grant.role), " of ", PatternsOf(grant.tenants),
                                 creates_more ? ", and may create them" : ""));
  }
  if (lines.empty()) lines.emplace_back("no role");
  lines.push_back("default tenant " + principal.default_tenant.name());
  if (const RateLimits& limits = principal.limits; limits.any()) {
    std::vector<std::string> rates;
    if (limits.calls_per_second > 0) {
      rates.push_back(absl::StrCat(limits.calls_per_second, " calls a second, ", limits.burst, " at once"));
    }
    if (limits.writes_per_minute > 0) rates.push_back(absl::StrCat(limits.writes_per_minute, " writes a minute"));
    lines.push_back(
        absl::StrCat("at most ", absl::StrJoin(rates, ", and "), limits.is_permissive ? " (only counted)" : ""));
  }
  return lines;
}

void AppendBlock(const std::string& heading, const std::vector<std::string>& lines, std::string& text) {
  absl::StrAppend(&text, heading, "\n");
  for (const std::string& line : lines) absl::StrAppend(&text, "  ", line, "\n");
}

}  // namespace

std::string DescribePolicy(const Policy& policy) {
  const Policy::Parts& parts = policy.parts();
  std::string text;
  for (const auto& principal : parts.principals) {
    std::vector<std::string> lines = CredentialLines(parts, principal.get());
    if (lines.empty()) lines.emplace_back("no credentials");
    for (std::string& grant : GrantsOf(*principal)) lines.push_back(std::move(grant));
    AppendBlock(principal->name, lines, text);
  }
  const std::vector<std::string> rejected = {"rejected"};
  AppendBlock(kAnonymous, parts.anonymous == nullptr ? rejected : GrantsOf(*parts.anonymous), text);
  return text;
}

std::string DescribeAccess(const Policy& policy, const TenantId& tenant, absl::Time now) {
  const Policy::Parts& parts = policy.parts();
  const std::set<const Principal*> valid = WithValidCredential(parts, now);
  const auto who = [&](const std::function<bool(const Principal&)>& may) {
    std::vector<std::string> names;
    for (const auto& principal : parts.principals) {
      if (!may(*principal)) continue;
      names.push_back(absl::StrCat(principal->name, valid.count(principal.get()) == 0 ? kNoCredential : ""));
    }
    if (parts.anonymous != nullptr && may(*parts.anonymous)) names.emplace_back(kAnonymous);
    return names.empty() ? "nobody" : absl::StrJoin(names, ", ");
  };
  const auto with_role = [&](v1::Role role) {
    return who([&](const Principal& principal) { return principal.RoleFor(tenant.name()) >= role; });
  };
  const auto creates = [&](const Principal& principal) { return principal.MayCreate(tenant.name()); };
  return absl::StrCat("can read ", tenant.name(), ": ", with_role(v1::ROLE_READER),         //
                      "\ncan write ", tenant.name(), ": ", with_role(v1::ROLE_EDITOR),      //
                      "\ncan administer ", tenant.name(), ": ", with_role(v1::ROLE_ADMIN),  //
                      "\ncan create ", tenant.name(), ": ", who(creates), "\n");
}

std::vector<std::string> PolicyWarnings(const Policy& policy, absl::Time now) {
  constexpr absl::Duration kSoon = absl::Hours(24 * 30);
  const Policy::Parts& parts = policy.parts();
  std::vector<std::string> warnings;
  if (!SomebodyCanCall(parts, now)) {
    warnings.emplace_back("all credentials of principals with a role have expired, so nobody can call");
  }
  if (parts.anonymous != nullptr) {
    for (const Grant& grant : parts.anonymous->grants) {
      if (grant.role < v1::ROLE_EDITOR) continue;
      warnings.push_back(absl::StrCat("everybody who can connect, even without credentials, is ", RoleName(grant.role),
                                      " of ", PatternsOf(grant.tenants)));
    }
  }
  for (const auto& principal : parts.principals) {
    if (CredentialLines(parts, principal.get()).empty()) {
      warnings.push_back(absl::StrCat(principal->name, " has no credentials, so nobody can call as ", principal->name));
    }
    if (principal->grants.empty()) {
      warnings.push_back(absl::StrCat(principal->name, " has no role, so its calls for a tenant are rejected"));
    }
  }
  for (const TokenEntry& token : parts.tokens) {
    if (token.expires > now + kSoon) continue;
    warnings.push_back(absl::StrCat("the ", NameOf(token), " of ", token.principal->name,
                                    token.expires <= now ? " expired at " : " expires at ", TimeText(token.expires),
                                    "; create another one with `qconfigctl new-token`"));
  }
  return warnings;
}

}  // namespace qconfig
