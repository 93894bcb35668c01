// SPDX-License-Identifier: Apache-2.0
#include "tests/server/auth/policy_test_support.h"

#include <grpcpp/impl/codegen/client_unary_call.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/canonical_json.h"
#include "qconfig/call_status.h"
#include "qconfig/error.h"
#include "server/app/service_handlers.h"
#include "server/auth/policy_reader.h"

namespace qconfig {

std::shared_ptr<const Policy> PolicyOf(const std::string& principals) {
  const auto no_files = [](const std::string&) -> absl::StatusOr<std::string> {
    return absl::NotFoundError("does not exist");
  };
  auto policy = ReadPolicy("version: 1\nprincipals:\n" + principals, no_files);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.value();
}

std::string PrincipalWith(const std::string& name, const std::string& rest) {
  return absl::StrCat("  ", name, ": {tokens: [{sha256: ", Sha256Hex(name), "}], ", rest, "}\n");
}

std::string PrincipalForEachRole() {
  std::string principals = PrincipalWith("none", "grants: []") + PrincipalWith("operator", "role: operator");
  for (const std::string role : {"reader", "editor", "admin"}) {
    principals += PrincipalWith(
        role, absl::StrCat("default_tenant: acme, grants: [{role: ", role, ", tenants: [acme, 'lab-*']}]"));
  }
  return principals;
}

std::vector<const google::protobuf::MethodDescriptor*> ServedMethods(Registry& registry) {
  const ConfigService config_service(registry, Limits(), Clock(), std::make_shared<FairTurns>());
  const RegistryService registry_service(registry);
  const HandlerTable handlers = ServiceHandlers(config_service, registry_service, nullptr);
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  const auto add = [&methods](const auto& served) {
    for (const auto& method : served) {
      const std::string name = absl::StrReplaceAll(method.path, {{"/", "."}});
      methods.push_back(google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name));
      EXPECT_NE(methods.back(), nullptr) << name;
    }
  };
  add(handlers.sync);
  add(handlers.queued);
  add(handlers.streaming);
  return methods;
}

Answer CallWith(const std::shared_ptr<grpc::Channel>& channel, const std::string& authorization,
                const std::string& path, const std::string& request) {
  const grpc::Slice slice(request);
  const grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer received;
  grpc::ClientContext context;
  if (!authorization.empty()) context.AddMetadata("authorization", authorization);
  const grpc::internal::RpcMethod rpc(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC, channel);
  const grpc::Status status = grpc::internal::BlockingUnaryCall(channel.get(), rpc, &context, sent, &received);
  grpc::Slice bytes;
  if (status.ok() && received.DumpToSingleSlice(&bytes).ok()) {
    return {{}, std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size())};
  }
  return {client::ErrorOf(client::ToAbslStatus(status)), ""};
}

}  // namespace qconfig
