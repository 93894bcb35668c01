// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/bytes_service.h"

#include <utility>

namespace qconfig {

using grpc::internal::RpcMethod;

void BytesService::Add(const std::string& path, RpcMethod::RpcType type,
                       std::unique_ptr<grpc::internal::MethodHandler> handler) {
  const std::string& kept = paths_.emplace_back("/" + path);
  AddMethod(new grpc::internal::RpcServiceMethod(kept.c_str(), type, handler.release()));
}

void BytesService::AddSync(const std::string& path, std::unique_ptr<grpc::internal::MethodHandler> handler) {
  Add(path, RpcMethod::NORMAL_RPC, std::move(handler));
}

int BytesService::AddUnary(const std::string& path) {
  const int index = static_cast<int>(paths_.size());
  Add(path, RpcMethod::NORMAL_RPC, nullptr);
  MarkMethodRaw(index);
  return index;
}

int BytesService::AddStreaming(const std::string& path) {
  const int index = static_cast<int>(paths_.size());
  Add(path, RpcMethod::BIDI_STREAMING, nullptr);
  MarkMethodRaw(index);
  return index;
}

}  // namespace qconfig
