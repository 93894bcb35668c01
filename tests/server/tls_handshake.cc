// SPDX-License-Identifier: Apache-2.0
#include "tests/server/tls_handshake.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

#include <memory>

#include "absl/strings/str_cat.h"

namespace qconfig {

TlsHandshake Handshake(int port, int only) {
  TlsHandshake seen;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);  // so that the server, not this client, rejects old versions
  SSL_CTX_set_min_proto_version(context.get(), only);
  SSL_CTX_set_max_proto_version(context.get(), only);
  SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new_ssl_connect(context.get()), BIO_free_all);
  BIO_set_conn_hostname(bio.get(), absl::StrCat("127.0.0.1:", port).c_str());
  seen.done = BIO_do_handshake(bio.get()) == 1;
  if (!seen.done) return seen;
  SSL* ssl = nullptr;
  BIO_get_ssl(bio.get(), &ssl);
  seen.version = SSL_get_version(ssl);
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  seen.protocol.assign(reinterpret_cast<const char*>(protocol), size);
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(pem.get(), SSL_get0_peer_certificate(ssl));
  char* data = nullptr;
  const auto length = BIO_get_mem_data(pem.get(), &data);
  seen.cert.assign(data, static_cast<size_t>(length));
  return seen;
}

}  // namespace qconfig
