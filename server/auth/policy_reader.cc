// SPDX-License-Identifier: Apache-2.0
#include "server/auth/policy_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/suggestion.h"
#include "core/utf8.h"
#include "server/auth/credentials_reader.h"
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

bool IsTenantPattern(absl::string_view text) {
  absl::string_view prefix = text;
  if (!absl::ConsumeSuffix(&prefix, "*")) return TenantId::Parse(text, "").ok();
  // Such as "acme-*": the prefix is a valid name, possibly without its last character.
  return prefix.empty() || TenantId::Parse(absl::StrCat(prefix, "0"), "").ok();
}

// Reads one policy.
class PolicyReader {
 public:
  PolicyReader(const FileTree& tree, const ReadNamedFile& read_file) : in_(tree), read_file_(read_file) {}

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
    // A mistake that a server could only notice when nobody can call it any more. Credentials that have expired are no
    // mistake of the file: a server must start with it, and stop accepting those that were removed.
    if (in_.faults().count() == 0 && !SomebodyCanCall(parts_, absl::InfinitePast())) {
      in_.Fault(
          in_.root(),
          "this policy locks everybody out: no principal has both a grant and a credential, and anonymous callers "
          "have no grant. A running server keeps the policy before, with the credentials that this file no longer "
          "has; to remove all callers, stop the server");
    }
    if (absl::Status status = in_.faults().ToStatus(); !status.ok()) return status;
    return std::make_shared<const Policy>(std::move(parts_));
  }

 private:
  void ReadIssuer(const std::string& name, const TreeValue& value) {
    if (!in_.IsObject(value, {"issuer", "audience", "jwks", "algorithms", "leeway_seconds"})) return;
    JwtIssuer issuer;
    issuer.name = name;
    if (const auto text = in_.RequireString(value, "issuer")) issuer.issuer = *text;
    if (const auto text = in_.RequireString(value, "audience")) issuer.audience = *text;
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
    credentials_.Read(value, principal);
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
    if (const auto role = in_.RequireString(value, "role")) {
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

  TreeReader in_;
  const ReadNamedFile& read_file_;
  Policy::Parts parts_;
  CredentialsReader credentials_{in_, parts_};
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Policy>> ReadPolicy(const std::string& yaml, const ReadNamedFile& read_file) {
  if (!IsUtf8(yaml)) return absl::InvalidArgumentError("the file is not valid UTF-8");
  const absl::StatusOr<FileTree> tree = ParseStrictYaml(yaml);
  if (!tree.ok()) return tree.status();
  return PolicyReader(*tree, read_file).Read();
}

}  // namespace qconfig
