// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_JWK_SET_H_
#define QCONFIG_SERVER_AUTH_JWK_SET_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// Whether tokens may be signed with the algorithm (`alg`): RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or
// ES512. All of them use a private and a public key.
bool IsSupportedAlgorithm(absl::string_view algorithm);
const std::vector<absl::string_view>& SupportedAlgorithms();

// The public keys of an issuer, from a JSON Web Key Set (RFC 7517). Immutable. Thread-safe.
class JwkSet {
 public:
  static constexpr size_t kMaxBytes = size_t{1} << 20;
  static constexpr size_t kMaxKeys = 100;

  // Ignores keys that do not verify signatures (`use`, `key_ops`), and keys for other algorithms than the supported
  // ones (`kty`, `crv`, `alg`).
  // kInvalidArgument: `json` is malformed or too large, has no key or too many, a private or symmetric key, an RSA key
  // of less than 2,048 or more than 8,192 bits, or two keys with the same `kid`. The message names the key and says
  // what to do, for example "keys[2]: is a private key; ...". It contains nothing secret.
  static absl::StatusOr<std::shared_ptr<const JwkSet>> Parse(absl::string_view json);

  ~JwkSet();
  JwkSet(const JwkSet&) = delete;
  JwkSet& operator=(const JwkSet&) = delete;

  // The number of keys that verify signatures.
  size_t size() const;

  // Verifies the signature of `token` with the key `kid`; without a `kid`, with the only key that fits the algorithm.
  // kNotFound: no key fits, or without a `kid` more than one. kUnauthenticated: the signature is wrong. The message
  // says which; it does not name the kid.
  // REQUIRES: `token` consists of three parts in base64url, the first is a JSON object without duplicate keys, and
  // `algorithm` is its `alg`.
  absl::Status Verify(const std::string& token, absl::string_view algorithm,
                      const std::optional<std::string>& kid) const;

 private:
  struct Key;

  explicit JwkSet(std::vector<Key> keys);
  absl::StatusOr<const Key*> Find(absl::string_view algorithm, const std::optional<std::string>& kid) const;

  const std::vector<Key> keys_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_JWK_SET_H_
