// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_TLS_CREDENTIALS_H_
#define QCONFIG_SERVER_TLS_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/tls/certificates.h"

namespace qconfig {

// Credentials for TLS 1.2 and later. Each new connection uses the current `certificates`. If they include client
// CAs, clients must present a certificate that one of these CAs has signed. The result must outlive every server that
// uses it.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(std::shared_ptr<const TlsCertificates> certificates);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_TLS_CREDENTIALS_H_
