// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_TEST_CERTIFICATES_H_
#define QCONFIG_TESTS_SERVER_TEST_CERTIFICATES_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace qconfig {

// A certificate, or a certificate chain, and its key.
struct TestPair {
  std::string cert;
  std::string key;
};

// Issues certificates for 127.0.0.1, each with its own key and serial number.
class TestAuthority {
 public:
  // Self-signed.
  explicit TestAuthority(const std::string& name);
  // Signed by `parent`. Issued certificates have this authority in their chain.
  TestAuthority(const std::string& name, const TestAuthority& parent);

  TestPair Issue(const std::string& name, absl::Time begin = absl::Now() - absl::Hours(1),
                 absl::Time end = absl::Now() + absl::Hours(24)) const;
  // With other subject alternative names than 127.0.0.1, as OpenSSL's configuration has them: "URI:spiffe://corp/a".
  // Empty: none.
  TestPair IssueFor(const std::string& name, const std::string& alternative_names) const;

  // The authority's own certificate.
  const std::string& pem() const { return pem_; }

 private:
  std::string name_;
  std::shared_ptr<EVP_PKEY> key_;
  std::string pem_;
  std::string chain_;  // the authorities between its certificates and the self-signed one
};

// `pem`'s key, encrypted with a passphrase.
std::string Encrypted(const std::string& pem);

// An RSA key that is too short for OpenSSL, and its self-signed certificate.
TestPair WeakPair();

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_TEST_CERTIFICATES_H_
