// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_BYTES_SERVICE_H_
#define QCONFIG_SERVER_RPC_BYTES_SERVICE_H_

#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/byte_buffer.h>

#include <deque>
#include <memory>
#include <string>

#include "server/rpc/call_queue.h"

namespace qconfig {

// Registers methods that take and return bytes with gRPC, through the classes that generated code uses. Only this class
// and the sync adapter depend on grpc::internal. A path is "package.Service/Method". Add methods before the server is
// built; requests are thread-safe once it has started.
class BytesService final : public grpc::Service {
 public:
  using ResponseWriter = grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>;
  using ReaderWriter = grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;

  // Calls of `path` run `handler` on gRPC's synchronous threads.
  void AddSync(const std::string& path, std::unique_ptr<grpc::internal::MethodHandler> handler);

  // Calls of `path` wait for RequestUnary() or RequestStream() with the returned index.
  int AddUnary(const std::string& path);
  int AddStreaming(const std::string& path);

  // Requests the next call of a method. gRPC fills `context` and `request`, and then returns `tag` on `queue`.
  void RequestUnary(int index, grpc::ServerContext& context, grpc::ByteBuffer& request, ResponseWriter& writer,
                    CallQueue& queue, CallQueue::Tag& tag) {
    RequestAsyncUnary(index, &context, &request, &writer, queue.get(), queue.get(), &tag);
  }
  void RequestStream(int index, grpc::ServerContext& context, ReaderWriter& stream, CallQueue& queue,
                     CallQueue::Tag& tag) {
    RequestAsyncBidiStreaming(index, &context, &stream, queue.get(), queue.get(), &tag);
  }

 private:
  void Add(const std::string& path, grpc::internal::RpcMethod::RpcType type,
           std::unique_ptr<grpc::internal::MethodHandler> handler);

  std::deque<std::string> paths_;  // gRPC keeps pointers to these; a deque does not move them
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_BYTES_SERVICE_H_
