// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_AUTH_TEST_ISSUER_H_
#define QCONFIG_TESTS_SERVER_AUTH_TEST_ISSUER_H_

#include <openssl/evp.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace qconfig {

// Signs JSON Web Tokens with a key of its own, which is made by OpenSSL. Thread-safe.
class TestIssuer {
 public:
  static TestIssuer Rsa(unsigned bits = 2048);
  static TestIssuer Ec(const std::string& curve = "P-256");  // or "P-384" or "P-521"

  // The public key.
  nlohmann::json Jwk(const std::string& kid) const;
  std::string PublicPem() const;

  // A token whose header is `{"alg": alg, "kid": kid}`; without `kid` if it is empty.
  std::string Token(const nlohmann::json& claims, const std::string& alg, const std::string& kid = "k1") const;
  // A token of any texts. The signature is that of `alg`, whatever the header says.
  std::string RawToken(absl::string_view header, absl::string_view payload, const std::string& alg) const;

  // The signature in the form of JWS. REQUIRES: the key fits `alg`.
  std::string Sign(absl::string_view text, const std::string& alg) const;

 private:
  explicit TestIssuer(EVP_PKEY* key) : key_(key, EVP_PKEY_free) {}
  // The number `name` of the key, in base64url and in at least `size` bytes.
  std::string Number(const char* name, size_t size) const;

  std::shared_ptr<EVP_PKEY> key_;
  std::string curve_;  // empty: RSA
};

// `{"keys": [...]}`
std::string JwksText(const std::vector<nlohmann::json>& keys);

// The parts of a token.
std::string JoinToken(absl::string_view header, absl::string_view payload, absl::string_view signature);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_AUTH_TEST_ISSUER_H_
