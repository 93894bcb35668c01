// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/call_credentials.h"

#include <google/protobuf/descriptor.h>
#include <grpc/grpc_security_constants.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_replace.h"

namespace qconfig {
namespace {

absl::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

std::vector<std::string> Values(const grpc::AuthContext& context, const char* property) {
  std::vector<std::string> values;
  for (const grpc::string_ref& value : context.FindPropertyValues(property)) {
    values.emplace_back(View(value));
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
  for (const auto& [name, value] : context.client_metadata()) {
    if (View(name) == "authorization") credentials.authorization.push_back(View(value));
  }
  if (credentials.authorization.empty()) credentials.certificate = CertificateOf(context);
  return credentials;
}

void ForgetMetadata(grpc::ServerContext& context) {
  // gRPC has no function for it. The map is only read-only for callers: it is not a const object.
  const_cast<std::multimap<grpc::string_ref, grpc::string_ref>&>(context.client_metadata()).clear();
}

v1::Role RequiredRole(absl::string_view method) {
  const std::string name = absl::StrReplaceAll(method, {{"/", "."}});
  const auto& options = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name)->options();
  return options.HasExtension(v1::required_role) ? options.GetExtension(v1::required_role) : v1::ROLE_OPERATOR;
}

}  // namespace qconfig
