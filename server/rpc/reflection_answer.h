// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_REFLECTION_ANSWER_H_
#define QCONFIG_SERVER_RPC_REFLECTION_ANSWER_H_

#include <set>
#include <string>

#include "grpc/reflection/v1/reflection.pb.h"
#include "server/rpc/descriptor_files.h"

namespace qconfig {

// The answer to one request of gRPC's reflection protocol. `files` describe `services`. What does not exist is
// NOT_FOUND in the answer.
grpc::reflection::v1::ServerReflectionResponse AnswerReflection(
    const grpc::reflection::v1::ServerReflectionRequest& request, const std::set<std::string>& services,
    DescriptorFiles& files);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_REFLECTION_ANSWER_H_
