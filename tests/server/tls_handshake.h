// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_TLS_HANDSHAKE_H_
#define QCONFIG_TESTS_SERVER_TLS_HANDSHAKE_H_

#include <openssl/ssl.h>

#include <string>

namespace qconfig {

// What a client of OpenSSL's sees when it connects to a port of this machine.
struct TlsHandshake {
  bool done = false;
  std::string version;   // such as TLSv1.3
  std::string protocol;  // what the server took of h2
  std::string cert;      // the server's own, PEM
};

// Speaks the version `only`, such as TLS1_2_VERSION; 0: any. Checks no certificate.
TlsHandshake Handshake(int port, int only = 0);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_TLS_HANDSHAKE_H_
