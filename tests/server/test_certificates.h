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

// A certificate, or a chain of them, and its key.
struct TestPair {
  std::string cert;
  std::string key;
};

// Makes certificates. Each is for 127.0.0.1, and has a key and a serial number of its own.
class TestAuthority {
 public:
  // Signs itself.
  explicit TestAuthority(const std::string& name);
  // Signed by `parent`, whose certificates then have both in their chain.
  TestAuthority(const std::string& name, const TestAuthority& parent);

  TestPair Issue(const std::string& name, absl::Time begin = absl::Now() - absl::Hours(1),
                 absl::Time end = absl::Now() + absl::Hours(24)) const;

  // The authority's own certificate.
  const std::string& pem() const { return pem_; }

 private:
  std::string name_;
  std::shared_ptr<EVP_PKEY> key_;
  std::string pem_;
  std::string chain_;  // what stands between its certificates and the authority that signed itself
};

// `pem`'s key, encrypted with a passphrase.
std::string Encrypted(const std::string& pem);

// An RSA key that OpenSSL finds too short, and a certificate that it signed itself.
TestPair WeakPair();

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_TEST_CERTIFICATES_H_
