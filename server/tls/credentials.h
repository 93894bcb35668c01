// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_TLS_CREDENTIALS_H_
#define QCONFIG_SERVER_TLS_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/tls/certificates.h"

namespace qconfig {

// Whether clients need a certificate if there are client CAs. A certificate that they present must always be signed by
// one of these CAs.
enum class ClientCertificates { kRequired, kOptional };

// Credentials for TLS 1.2 and later. Each new connection uses the current `certificates`. The result must outlive every
// server that uses it.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(
    std::shared_ptr<const TlsCertificates> certificates,
    ClientCertificates client_certificates = ClientCertificates::kRequired);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_TLS_CREDENTIALS_H_
