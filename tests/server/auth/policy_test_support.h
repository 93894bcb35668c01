// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_AUTH_POLICY_TEST_SUPPORT_H_
#define QCONFIG_TESTS_SERVER_AUTH_POLICY_TEST_SUPPORT_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <vector>

#include "qconfig/v1/config_service.pb.h"
#include "server/auth/policy.h"
#include "server/registry/registry.h"

namespace qconfig {

// The policy with these principals, in YAML.
std::shared_ptr<const Policy> PolicyOf(const std::string& principals);

// A principal whose token is its name. `rest` has its other keys, such as "grants: []".
std::string PrincipalWith(const std::string& name, const std::string& rest);

// A principal for each role, whose name and token are the name of the role: for the tenants acme and lab-*, and as
// default tenant acme. "none" has no role.
std::string PrincipalForEachRole();

// The methods of the server that need a role, from its table of handlers.
std::vector<const google::protobuf::MethodDescriptor*> ServedMethods(Registry& registry);

// What a call returned.
struct Answer {
  v1::ItemError error;  // reason UNSPECIFIED: the call was OK
  std::string bytes;
};

// Calls a method such as "/qconfig.v1.ConfigService/GetConfig" with an `authorization`; empty: without.
Answer CallWith(const std::shared_ptr<grpc::Channel>& channel, const std::string& authorization,
                const std::string& path, const std::string& request);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_AUTH_POLICY_TEST_SUPPORT_H_
