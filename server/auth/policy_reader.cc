// SPDX-License-Identifier: Apache-2.0
#include "server/auth/policy_reader.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/suggestion.h"
#include "core/utf8.h"
#include "server/auth/tree_reader.h"
#include "server/base/files/file_tree.h"

namespace qconfig {
namespace {

constexpr size_t kMaxPatterns = 100;  // of tenants in the grants of a principal
constexpr size_t kMaxNameChars = 128;
constexpr char kAnonymousName[] = "anonymous";

const std::vector<absl::string_view>& RoleNames() {
  static const auto* const names = new std::vector<absl::string_view>{"reader", "editor", "admin", "operator"};
  return *names;
}

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

bool IsTenantPattern(absl::string_view text) {
  absl::string_view prefix = text;
  if (!absl::ConsumeSuffix(&prefix, "*")) return TenantId::Parse(text, "").ok();
  // Such as "acme-*": the prefix is a valid name, possibly without its last character.
  return prefix.empty() || TenantId::Parse(absl::StrCat(prefix, "0"), "").ok();
}

// Reads one policy.
class PolicyReader {
 public:
  PolicyReader(const FileTree& tree, const ReadNamedFile& read_file, absl::Time now)
      : in_(tree), read_file_(read_file), now_(now) {}

  absl::StatusOr<std::shared_ptr<const Policy>> Read() {
    const TreeValue& root = in_.root();
    if (in_.IsObject(root, {"version", "issuers", "principals", "anonymous"})) {
      if (const auto version = in_.Require(root, "version")) in_.Integer(*version, 1, 1);
      if (const auto issuers = in_.Find(root, "issuers")) {
        in_.ForEachMember(*issuers,
                          [this](const std::string& name, const TreeValue& value) { ReadIssuer(name, value); });
      }
      if (const auto principals = in_.Find(root, "principals")) {
        in_.ForEachMember(*principals,
                          [this](const std::string& name, const TreeValue& value) { ReadPrincipal(name, value); });
      }
      if (const auto anonymous = in_.Find(root, "anonymous")) ReadAnonymous(*anonymous);
    }
    if (in_.faults().count() == 0) CheckSomebodyCanCall();
    if (absl::Status status = in_.faults().ToStatus(); !status.ok()) return status;
    return std::make_shared<const Policy>(std::move(parts_));
  }

 private:
  void ReadIssuer(const std::string& name, const TreeValue& value) {
    if (!in_.IsObject(value, {"issuer", "audience", "jwks", "algorithms", "leeway_seconds"})) return;
    JwtIssuer issuer;
    issuer.name = name;
    if (const auto text = RequireString(value, "issuer")) issuer.issuer = *text;
    if (const auto text = RequireString(value, "audience")) issuer.audience = *text;
    if (const auto leeway = in_.Find(value, "leeway_seconds")) {
      constexpr int64_t kMaxLeeway = 300;
      if (const auto seconds = in_.Integer(*leeway, 0, kMaxLeeway)) issuer.leeway = absl::Seconds(*seconds);
    }
    if (const auto algorithms = in_.Require(value, "algorithms")) ReadAlgorithms(*algorithms, issuer);
    if (const auto jwks = in_.Require(value, "jwks")) ReadKeys(*jwks, issuer);
    for (const JwtIssuer& other : parts_.issuers) {
      if (!issuer.issuer.empty() && other.issuer == issuer.issuer) {
        in_.Fault(value, absl::StrCat("has the same issuer as ", other.name));
      }
    }
    parts_.issuers.push_back(std::move(issuer));
  }

  void ReadAlgorithms(const TreeValue& value, JwtIssuer& issuer) {
    in_.ForEachItem(value, [&](const TreeValue& item) {
      const auto algorithm = in_.String(item);
      if (!algorithm.has_value()) return;
      if (!IsSupportedAlgorithm(*algorithm)) {
        in_.Fault(item, "is not a supported algorithm for signatures with public keys, such as RS256 or ES256");
      }
      issuer.algorithms.push_back(*algorithm);
    });
    if (value.json->is_array() && value.json->empty()) in_.Fault(value, "must name an algorithm");
  }

  void ReadKeys(const TreeValue& value, JwtIssuer& issuer) {
    const auto path = in_.String(value);
    if (!path.has_value()) return;
    const auto text = read_file_(*path);
    if (!text.ok()) return in_.Fault(value, absl::StrCat("the file ", text.status().message()));
    auto keys = JwkSet::Parse(*text);
    if (!keys.ok()) return in_.Fault(value, keys.status().message());
    issuer.keys = *std::move(keys);
  }

  void ReadPrincipal(const std::string& name, const TreeValue& value) {
    if (!in_.IsObject(value, {"tokens", "certificates", "jwt", "default_tenant", "grants", "role", "limits"})) return;
    if (name.empty() || name == kAnonymousName || name.size() > kMaxNameChars || !IsPrintable(name)) {
      in_.Fault(value, "the name of a principal must have 1 to 128 printable characters and not be \"anonymous\"");
    }
    const std::shared_ptr<const Principal> principal = ReadGrants(name, value);
    parts_.principals.push_back(principal);
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

  void ReadAnonymous(const TreeValue& value) {
    if (!in_.IsObject(value, {"grants", "default_tenant", "limits"})) return;
    std::shared_ptr<const Principal> anonymous = ReadGrants(kAnonymousName, value);
    if (!anonymous->grants.empty()) parts_.anonymous = std::move(anonymous);
  }

  std::shared_ptr<const Principal> ReadGrants(const std::string& name, const TreeValue& value) {
    auto principal = std::make_shared<Principal>();
    principal->name = name;
    principal->is_anonymous = name == kAnonymousName;
    if (const auto tenant = in_.Find(value, "default_tenant")) {
      const auto text = in_.String(*tenant);
      const auto id = text.has_value() ? TenantId::Parse(*text, "") : TenantId::Default();
      if (id.ok()) {
        principal->default_tenant = *id;
      } else {
        in_.Fault(*tenant, "is not a valid tenant name");
      }
    }
    if (const auto role = in_.Find(value, "role")) {
      if (const auto text = in_.String(*role)) {
        if (*text == "operator") {
          principal->grants.push_back({v1::ROLE_OPERATOR, {NamePattern("*")}, /*creates=*/true});
        } else {
          in_.Fault(*role, "can only be operator; other roles are in grants, with their tenants");
        }
      }
    }
    if (const auto grants = in_.Find(value, "grants")) {
      size_t patterns = 0;
      in_.ForEachItem(*grants, [&](const TreeValue& grant) {
        ReadGrant(grant, *principal);
        if (!principal->grants.empty()) patterns += principal->grants.back().tenants.size();
      });
      if (patterns > kMaxPatterns) in_.Fault(*grants, absl::StrCat("name more than ", kMaxPatterns, " tenants"));
    }
    if (const auto limits = in_.Find(value, "limits")) ReadLimits(*limits, principal->limits);
    return principal;
  }

  void ReadLimits(const TreeValue& value, RateLimits& limits) {
    constexpr int64_t kMost = 1'000'000;
    if (!in_.IsObject(value, {"calls_per_second", "burst", "writes_per_minute", "mode"})) return;
    const auto number = [&](absl::string_view key, double& to) {
      const auto member = in_.Find(value, key);
      const auto integer = member.has_value() ? in_.Integer(*member, 1, kMost) : std::nullopt;
      if (integer.has_value()) to = static_cast<double>(*integer);
    };
    number("calls_per_second", limits.calls_per_second);
    limits.burst = limits.calls_per_second;
    number("burst", limits.burst);
    number("writes_per_minute", limits.writes_per_minute);
    const bool has_rate = in_.Find(value, "calls_per_second").has_value();
    if (const auto burst = in_.Find(value, "burst"); burst.has_value() && !has_rate) {
      in_.Fault(*burst, "has no effect without calls_per_second");
    }
    if (!has_rate && !in_.Find(value, "writes_per_minute").has_value()) {
      in_.Fault(value, "must have calls_per_second, writes_per_minute or both");
    }
    const auto mode = in_.Find(value, "mode");
    const auto text = mode.has_value() ? in_.String(*mode) : std::nullopt;
    limits.is_permissive = text == "permissive";
    if (text.has_value() && *text != "permissive" && *text != "enforce") {
      in_.Fault(*mode, "must be enforce, which is the default, or permissive");
    }
  }

  void ReadGrant(const TreeValue& value, Principal& principal) {
    if (!in_.IsObject(value, {"role", "tenants", "create"})) return;
    Grant grant = {v1::ROLE_READER, {}, false};
    if (const auto role = RequireString(value, "role")) {
      const auto& names = RoleNames();
      const auto found = std::find(names.begin(), names.end(), *role);
      if (found == names.end()) {
        in_.Fault(*in_.Find(value, "role"),
                  absl::StrCat("\"", Printable(*role, kMaxNameChars), "\" is not a role", Suggestion(*role, names)));
      } else if (*role == "operator") {
        in_.Fault(*in_.Find(value, "role"), "an operator is one for all tenants: set `role: operator` beside grants");
      } else {
        grant.role = static_cast<v1::Role>(v1::ROLE_READER + std::distance(names.begin(), found));
      }
    }
    if (const auto create = in_.Find(value, "create")) grant.creates = in_.Bool(*create).value_or(false);
    if (grant.creates && grant.role < v1::ROLE_EDITOR) {
      in_.Fault(*in_.Find(value, "create"), "has no effect for readers; only writes create a tenant");
    }
    if (const auto tenants = in_.Require(value, "tenants")) {
      if (tenants->json->is_array() && tenants->json->empty()) in_.Fault(*tenants, "must name a tenant");
      in_.ForEachItem(*tenants, [&](const TreeValue& item) {
        const auto text = in_.String(item);
        if (!text.has_value()) return;
        if (!IsTenantPattern(*text)) in_.Fault(item, "must be a tenant name, with or without a * at the end");
        grant.tenants.emplace_back(*text);
      });
    }
    principal.grants.push_back(std::move(grant));
  }

  void ReadToken(const TreeValue& value, const std::shared_ptr<const Principal>& principal) {
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
    const auto sha256 = RequireString(value, "sha256");
    if (!sha256.has_value()) return;
    entry.sha256 = absl::AsciiStrToLower(*sha256);
    const TreeValue at = *in_.Find(value, "sha256");
    if (absl::StartsWith(*sha256, "qct_")) {
      return in_.Fault(at,
                       "is a token; put only its hash here, and replace the token, because this file was not secret");
    }
    if (!IsSha256(entry.sha256)) {
      return in_.Fault(at, "must be the 64 hexadecimal digits that `qconfigctl new-token` prints");
    }
    const auto [other, is_new] = hashes_.emplace(entry.sha256, principal->name);
    if (!is_new) return in_.Fault(at, absl::StrCat("is a token of ", other->second, " already"));
    parts_.tokens.push_back(std::move(entry));
  }

  void ReadCertificate(const TreeValue& value, const std::shared_ptr<const Principal>& principal) {
    using Kind = CertificateEntry::Kind;
    if (!in_.IsObject(value, {"uri", "dns", "cn"})) return;
    if (value.json->size() != 1) return in_.Fault(value, "must have one of uri, dns and cn");
    for (const auto& [key, kind] : {std::pair("uri", Kind::kUri), {"dns", Kind::kDns}, {"cn", Kind::kCommonName}}) {
      const auto name = in_.Find(value, key);
      const auto pattern = name.has_value() ? in_.String(*name) : std::nullopt;
      if (!pattern.has_value()) continue;
      const CertificateEntry entry = {kind, *pattern, principal};
      if (!IsCertificatePattern(entry)) {
        in_.Fault(*name, kind == Kind::kDns ? "may have a * only as its first label, as in *.example.com"
                                            : "may have a * only at its end, after at least one character");
      }
      for (const CertificateEntry& other : parts_.certificates) {
        if (other.principal == principal || !Overlap(entry, other)) continue;
        in_.Fault(*name, absl::StrCat("can be a name of the same certificate as \"", other.pattern, "\" of ",
                                      other.principal->name));
      }
      parts_.certificates.push_back(entry);
    }
  }

  static bool IsCertificatePattern(const CertificateEntry& entry) {
    absl::string_view rest = entry.pattern;
    if (entry.kind == CertificateEntry::Kind::kDns) {
      absl::ConsumePrefix(&rest, "*.");
    } else {
      absl::ConsumeSuffix(&rest, "*");
    }
    return !rest.empty() && !absl::StrContains(rest, '*');
  }

  void ReadJwt(const TreeValue& value, const std::shared_ptr<const Principal>& principal) {
    if (!in_.IsObject(value, {"issuer", "claim", "values"})) return;
    JwtEntry entry;
    entry.principal = principal;
    if (const auto issuer = RequireString(value, "issuer")) {
      entry.issuer = *issuer;
      std::vector<absl::string_view> names;
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

  // A mistake that a server could only notice when nobody can call it any more.
  void CheckSomebodyCanCall() {
    if (parts_.anonymous != nullptr) return;
    const auto may_call = [](const auto& entry) { return !entry.principal->grants.empty(); };
    const bool by_token = std::any_of(parts_.tokens.begin(), parts_.tokens.end(),
                                      [&](const TokenEntry& token) { return may_call(token) && now_ < token.expires; });
    if (by_token || std::any_of(parts_.certificates.begin(), parts_.certificates.end(), may_call)) return;
    if (std::any_of(parts_.jwts.begin(), parts_.jwts.end(), may_call)) return;
    in_.Fault(
        in_.root(),
        "this policy locks everybody out: no principal has both a grant and a credential that has not expired, and "
        "anonymous callers have no grant");
  }

  std::optional<std::string> RequireString(const TreeValue& object, absl::string_view key) {
    const auto value = in_.Require(object, key);
    return value.has_value() ? in_.String(*value) : std::nullopt;
  }

  TreeReader in_;
  const ReadNamedFile& read_file_;
  const absl::Time now_;
  Policy::Parts parts_;
  absl::flat_hash_map<std::string, std::string> hashes_;  // of tokens, and the names of their principals
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Policy>> ReadPolicy(const std::string& yaml, const ReadNamedFile& read_file,
                                                         absl::Time now) {
  if (!IsUtf8(yaml)) return absl::InvalidArgumentError("the file is not valid UTF-8");
  const absl::StatusOr<FileTree> tree = ParseStrictYaml(yaml);
  if (!tree.ok()) return tree.status();
  return PolicyReader(*tree, read_file, now).Read();
}

}  // namespace qconfig
