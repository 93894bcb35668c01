// SPDX-License-Identifier: Apache-2.0
#include "server/tls/credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>

#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace qconfig {
namespace {

// gRPC's C++ classes take certificates once, or from files that they do not check. Its C core calls a function for each
// new connection instead.
// gRPC 1.51 stores the result without a lock. That is safe because one thread begins all handshakes; see Acceptor.
class ReloadingCredentials final : public grpc::ServerCredentials {
 public:
  ReloadingCredentials(std::shared_ptr<const TlsCertificates> certificates, ClientCertificates client_certificates)
      : certificates_(std::move(certificates)) {
    credentials_ =
        grpc_ssl_server_credentials_create_with_options(grpc_ssl_server_credentials_create_options_using_config_fetcher(
            RequestType(*certificates_, client_certificates), &Fetch, this));
  }
  ~ReloadingCredentials() override { grpc_server_credentials_release(credentials_); }
  ReloadingCredentials(const ReloadingCredentials&) = delete;
  ReloadingCredentials& operator=(const ReloadingCredentials&) = delete;

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override { GPR_ASSERT(false); }

 private:
  static grpc_ssl_client_certificate_request_type RequestType(const TlsCertificates& certificates,
                                                              ClientCertificates client_certificates) {
    if (!certificates.has_client_ca()) return GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
    return client_certificates == ClientCertificates::kRequired
               ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
               : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
  }

  int AddPortToServer(const std::string& address, grpc_server* server) override {
    {
      absl::MutexLock lock(&mutex_);
      fetched_ = nullptr;  // each port must fetch the certificates
    }
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  static grpc_ssl_certificate_config_reload_status Fetch(void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<ReloadingCredentials*>(self)->Fetch(*config);
  }

  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config*& config) {
    absl::MutexLock lock(&mutex_);
    auto current = certificates_->current();
    if (current == fetched_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair = {current->key.c_str(), current->cert.c_str()};
    // gRPC requires CAs even if clients do not need a certificate.
    const std::string& authorities = certificates_->has_client_ca() ? current->ca : current->cert;
    config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
    fetched_ = std::move(current);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<const TlsCertificates> certificates_;
  grpc_server_credentials* credentials_;
  absl::Mutex mutex_;
  std::shared_ptr<const PemContents> fetched_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> TlsCredentials(std::shared_ptr<const TlsCertificates> certificates,
                                                        ClientCertificates client_certificates) {
  return std::make_shared<ReloadingCredentials>(std::move(certificates), client_certificates);
}

}  // namespace qconfig
