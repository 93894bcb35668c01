// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/call_credentials.h"

#include <google/protobuf/descriptor.h>
#include <grpc/grpc_security_constants.h>

#include <string>
#include <vector>

#include "absl/strings/str_replace.h"

namespace qconfig {
namespace {

std::vector<std::string> Values(const grpc::AuthContext& context, const char* property) {
  std::vector<std::string> values;
  for (const grpc::string_ref& value : context.FindPropertyValues(property)) {
    values.emplace_back(value.data(), value.size());
  }
  return values;
}

PeerCertificate CertificateOf(const grpc::ServerContext& context) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  PeerCertificate certificate;
  // False without a certificate of the client.
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return certificate;
  certificate.uris = Values(*auth, GRPC_PEER_URI_PROPERTY_NAME);
  certificate.dns = Values(*auth, GRPC_PEER_DNS_PROPERTY_NAME);
  const std::vector<std::string> names = Values(*auth, GRPC_X509_CN_PROPERTY_NAME);
  const bool has_other_names = !Values(*auth, GRPC_X509_SAN_PROPERTY_NAME).empty();
  if (!has_other_names && !names.empty()) certificate.common_name = names.front();
  certificate.is_nameless = certificate.empty();
  return certificate;
}

}  // namespace

Credentials CredentialsOf(const grpc::ServerContext& context) {
  Credentials credentials;
  constexpr absl::string_view kName = "authorization";
  const auto& metadata = context.client_metadata();
  for (auto it = metadata.find(kName.data()); it != metadata.end() && it->first == kName.data(); ++it) {
    credentials.authorization.emplace_back(it->second.data(), it->second.size());
  }
  if (credentials.authorization.empty()) credentials.certificate = CertificateOf(context);
  return credentials;
}

v1::Role RequiredRole(absl::string_view method) {
  const std::string name = absl::StrReplaceAll(method, {{"/", "."}});
  const auto& options = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name)->options();
  return options.HasExtension(v1::required_role) ? options.GetExtension(v1::required_role) : v1::ROLE_OPERATOR;
}

}  // namespace qconfig
