// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_POLICY_H_
#define QCONFIG_SERVER_AUTH_POLICY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/auth/jwt.h"
#include "server/base/principal.h"

namespace qconfig {

// The module server/auth decides who makes a call. What a principal may do is checked where the call's tenant is known;
// see GetTenant().

// What a caller's TLS certificate says about the caller. The TLS handshake has verified it.
struct PeerCertificate {
  std::vector<std::string> uris;  // subject alternative names
  std::vector<std::string> dns;
  std::string common_name;   // of the subject; counts only if there is no subject alternative name
  bool is_nameless = false;  // whether there is a certificate, though without such a name

  bool empty() const { return uris.empty() && dns.empty() && common_name.empty(); }
};

// The beginning of a hash, as logs show it.
std::string ShownHash(absl::string_view sha256);

// The log's name of a credential, which says nothing about its secret: its kind and the beginning of its hash, such as
// "token 1a2b3c4d".
std::string CredentialName(absl::string_view kind, absl::string_view sha256);

// Somebody who proved who they are.
struct Caller {
  std::shared_ptr<const Principal> principal;
  std::string credential;                       // its CredentialName()
  absl::Time expires = absl::InfiniteFuture();  // when the credential must be checked again
};

// A token that the policy names by its hash.
struct TokenEntry {
  std::string sha256;  // 64 lowercase hex digits
  absl::Time expires = absl::InfiniteFuture();
  std::shared_ptr<const Principal> principal;
};

// Names in certificates. A DNS name that begins with `*.` stands for all names with one more label.
struct CertificateEntry {
  enum class Kind { kUri, kDns, kCommonName };
  Kind kind;
  NamePattern pattern;
  std::shared_ptr<const Principal> principal;
};

// JSON Web Tokens of an issuer in which a claim has one of some values.
struct JwtEntry {
  std::string issuer;  // JwtIssuer::name
  std::string claim;   // its value is a string, or a list of strings of which one must match
  std::vector<NamePattern> values;
  std::shared_ptr<const Principal> principal;
};

// Who may do what. Immutable.
class Policy {
 public:
  // What a policy consists of. `anonymous` is null if callers without credentials are rejected.
  struct Parts {
    std::vector<std::shared_ptr<const Principal>> principals;
    std::vector<TokenEntry> tokens;
    std::vector<CertificateEntry> certificates;
    std::vector<JwtEntry> jwts;
    std::vector<JwtIssuer> issuers;
    std::shared_ptr<const Principal> anonymous;
  };

  // REQUIRES: no two tokens are equal.
  explicit Policy(Parts parts);

  const Parts& parts() const { return parts_; }

  // The caller who sent a token: a word of the policy, or a JSON Web Token. CREDENTIALS_INVALID: the `rule` says why;
  // for logs, `claimed`, if it is not null, has what is known about the credential: its name, for an expired token of
  // the policy the principal, and for a credential of several principals their names.
  absl::StatusOr<Caller> FindToken(absl::string_view token, absl::Time now, Caller* claimed = nullptr) const;

  // The caller with a certificate. CREDENTIALS_INVALID: no principal has the names of the certificate, or several have;
  // `claimed` is as above.
  absl::StatusOr<Caller> FindCertificate(const PeerCertificate& certificate, Caller* claimed = nullptr) const;

 private:
  absl::StatusOr<Caller> FindJwt(absl::string_view token, absl::Time now, Caller& claimed) const;

  const Parts parts_;
  absl::flat_hash_map<std::string, const TokenEntry*> tokens_;  // by hash
};

// Whether a principal with a grant has a credential that has not expired at `now`, or callers without one have a grant.
bool SomebodyCanCall(const Policy::Parts& parts, absl::Time now);

// Whether there is a certificate that both entries match by one of its names.
bool Overlap(const CertificateEntry& a, const CertificateEntry& b);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_POLICY_H_
