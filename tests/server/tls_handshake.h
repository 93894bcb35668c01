// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_TLS_HANDSHAKE_H_
#define QCONFIG_TESTS_SERVER_TLS_HANDSHAKE_H_

#include <openssl/ssl.h>

#include <string>

namespace qconfig {

// The result of an OpenSSL client's connection to a local port.
struct TlsHandshake {
  bool done = false;
  std::string version;   // such as TLSv1.3
  std::string protocol;  // the ALPN protocol that the server selected
  std::string cert;      // the server's certificate, PEM
};

// Uses the TLS version `only`, such as TLS1_2_VERSION, or any version if 0. Does not verify certificates.
TlsHandshake Handshake(int port, int only = 0);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_TLS_HANDSHAKE_H_
