// SPDX-License-Identifier: Apache-2.0
#include "server/auth/credentials_reader.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/suggestion.h"

namespace qconfig {
namespace {

// A date such as 2027-01-31, which begins at midnight UTC, or a time as in RFC 3339.
std::optional<absl::Time> ParseTime(const std::string& text) {
  absl::Time time;
  std::string error;
  const bool is_time = absl::ParseTime("%Y-%m-%d", text, absl::UTCTimeZone(), &time, &error) ||
                       absl::ParseTime(absl::RFC3339_full, text, &time, &error);
  const bool is_infinite = time == absl::InfiniteFuture() || time == absl::InfinitePast();  // "infinite-future"
  return is_time && !is_infinite ? std::make_optional(time) : std::nullopt;
}

bool IsSha256(absl::string_view text) {
  constexpr size_t kDigits = 64;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

bool IsCertificatePattern(const CertificateEntry& entry) {
  absl::string_view rest = entry.pattern.text();
  if (entry.kind == CertificateEntry::Kind::kDns) {
    absl::ConsumePrefix(&rest, "*.");
  } else {
    absl::ConsumeSuffix(&rest, "*");
  }
  return !rest.empty() && !absl::StrContains(rest, '*');
}

}  // namespace

void CredentialsReader::Read(const TreeValue& value, const std::shared_ptr<const Principal>& principal) {
  if (const auto tokens = in_.Find(value, "tokens")) {
    in_.ForEachItem(*tokens, [&](const TreeValue& token) { ReadToken(token, principal); });
  }
  if (const auto certificates = in_.Find(value, "certificates")) {
    in_.ForEachItem(*certificates, [&](const TreeValue& certificate) { ReadCertificate(certificate, principal); });
  }
  if (const auto jwts = in_.Find(value, "jwt")) {
    in_.ForEachItem(*jwts, [&](const TreeValue& jwt) { ReadJwt(jwt, principal); });
  }
}

bool CredentialsReader::Count(const TreeValue& value) {
  ++count_;
  if (count_ == kMaxCredentials + 1) {
    in_.Fault(value, absl::StrCat("is one more than the ", kMaxCredentials,
                                  " credentials that a policy can have; use patterns, or several servers"));
  }
  return count_ <= kMaxCredentials;
}

void CredentialsReader::ReadToken(const TreeValue& value, const std::shared_ptr<const Principal>& principal) {
  if (!in_.IsObject(value, {"sha256", "expires"})) return;
  TokenEntry entry;
  entry.principal = principal;
  if (const auto expires = in_.Find(value, "expires")) {
    const auto text = in_.String(*expires);
    const auto time = text.has_value() ? ParseTime(*text) : std::nullopt;
    if (text.has_value() && !time.has_value()) {
      in_.Fault(*expires, "must be a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z");
    }
    entry.expires = time.value_or(entry.expires);
  }
  const auto sha256 = in_.RequireString(value, "sha256");
  if (!sha256.has_value()) return;
  entry.sha256 = absl::AsciiStrToLower(*sha256);
  const TreeValue at = *in_.Find(value, "sha256");
  if (absl::StartsWith(*sha256, "qct_")) {
    return in_.Fault(at, "is a token; put only its hash here, and replace the token, because this file was not secret");
  }
  if (!IsSha256(entry.sha256)) {
    return in_.Fault(at, "must be the 64 hexadecimal digits that `qconfigctl new-token` prints");
  }
  if (!Count(at)) return;
  const auto [other, is_new] = hashes_.emplace(entry.sha256, principal->name);
  if (!is_new) return in_.Fault(at, absl::StrCat("is a token of ", other->second, " already"));
  parts_.tokens.push_back(std::move(entry));
}

void CredentialsReader::ReadCertificate(const TreeValue& value, const std::shared_ptr<const Principal>& principal) {
  using Kind = CertificateEntry::Kind;
  if (!in_.IsObject(value, {"uri", "dns", "cn"})) return;
  if (value.json->size() != 1) return in_.Fault(value, "must have one of uri, dns and cn");
  for (const auto& [key, kind] : {std::pair("uri", Kind::kUri), {"dns", Kind::kDns}, {"cn", Kind::kCommonName}}) {
    const auto name = in_.Find(value, key);
    const auto pattern = name.has_value() ? in_.String(*name) : std::nullopt;
    if (!pattern.has_value()) continue;
    const CertificateEntry entry = {kind, NamePattern(*pattern), principal};
    if (!Count(*name)) continue;
    if (!IsCertificatePattern(entry)) {
      in_.Fault(*name, kind == Kind::kDns ? "may have a * only as its first label, as in *.example.com"
                                          : "may have a * only at its end, after at least one character");
    }
    for (const CertificateEntry& other : parts_.certificates) {
      if (other.principal == principal || !Overlap(entry, other)) continue;
      in_.Fault(*name, absl::StrCat("can be a name of the same certificate as \"", other.pattern.text(), "\" of ",
                                    other.principal->name));
    }
    parts_.certificates.push_back(entry);
  }
}

void CredentialsReader::ReadJwt(const TreeValue& value, const std::shared_ptr<const Principal>& principal) {
  if (!in_.IsObject(value, {"issuer", "claim", "values"})) return;
  JwtEntry entry;
  entry.principal = principal;
  if (const auto issuer = in_.RequireString(value, "issuer")) {
    entry.issuer = *issuer;
    std::vector<absl::string_view> names;
    names.reserve(parts_.issuers.size());
    for (const JwtIssuer& known : parts_.issuers) names.push_back(known.name);
    if (std::find(names.begin(), names.end(), *issuer) == names.end()) {
      in_.Fault(*in_.Find(value, "issuer"),
                absl::StrCat("is not one of the issuers of this file", Suggestion(*issuer, names)));
    }
  }
  entry.claim = "sub";
  if (const auto claim = in_.Find(value, "claim")) entry.claim = in_.String(*claim).value_or("");
  if (const auto values = in_.Require(value, "values")) {
    if (values->json->is_array() && values->json->empty()) in_.Fault(*values, "must name a value");
    in_.ForEachItem(*values, [&](const TreeValue& item) {
      const auto text = in_.String(item);
      if (!text.has_value()) return;
      if (absl::StrContains(absl::string_view(*text).substr(0, text->size() - 1), '*') || *text == "*") {
        in_.Fault(item, "may have a * only at its end, after at least one character");
      }
      if (!Count(item)) return;
      const NamePattern pattern(*text);
      for (const JwtEntry& other : parts_.jwts) {
        if (other.principal == principal || other.issuer != entry.issuer || other.claim != entry.claim) continue;
        for (const NamePattern& taken : other.values) {
          if (!taken.Overlaps(pattern)) continue;
          in_.Fault(item, absl::StrCat("can be the same claim as \"", taken.text(), "\" of ", other.principal->name));
        }
      }
      entry.values.push_back(pattern);
    });
  }
  parts_.jwts.push_back(std::move(entry));
}

}  // namespace qconfig
