// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_TLS_CREDENTIALS_H_
#define QCONFIG_SERVER_TLS_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "server/tls/certificates.h"

namespace qconfig {

// TLS 1.2 and later with what `certificates` have when a connection is made. If they have authorities of callers,
// callers must present a certificate that comes from one. The result must outlive every server that is given it.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(std::shared_ptr<const TlsCertificates> certificates);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_TLS_CREDENTIALS_H_
