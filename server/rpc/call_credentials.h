// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_CALL_CREDENTIALS_H_
#define QCONFIG_SERVER_RPC_CALL_CREDENTIALS_H_

#include <grpcpp/server_context.h>

#include <optional>

#include "absl/strings/string_view.h"
#include "qconfig/v1/annotations.pb.h"
#include "server/auth/authenticator.h"

namespace qconfig {

// What a call has to show who makes it. The names of the certificate are read only if there is no token. `context` must
// outlive the result.
Credentials CredentialsOf(const grpc::ServerContext& context);

// Frees the copy of a call's metadata that gRPC makes for CredentialsOf() and otherwise keeps until the call is over.
// With many calls in flight, this saves 1.6 % of the instructions of a cached answer. Later readers find no metadata.
void ForgetMetadata(grpc::ServerContext& context);

// The role that the contract requires for a method, such as "qconfig.v1.ConfigService/GetConfig".
// REQUIRES: the contract has the method.
v1::Role RequiredRole(absl::string_view method);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_CALL_CREDENTIALS_H_
