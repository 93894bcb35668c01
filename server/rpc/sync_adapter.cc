// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/sync_adapter.h"

#include <grpcpp/support/method_handler.h>

#include <utility>

namespace qconfig {

namespace {

// Tells the dispatcher when a call is over, and leaves the rest to gRPC's handler.
class SyncHandler final : public grpc::internal::MethodHandler {
 public:
  using Unary = grpc::internal::RpcMethodHandler<UnaryDispatcher, grpc::ByteBuffer, grpc::ByteBuffer>;

  SyncHandler(ObservedMethod method, UnaryDispatcher& dispatcher)
      : dispatcher_(dispatcher),
        unary_(
            [method = std::move(method)](UnaryDispatcher* self, grpc::ServerContext* context,
                                         const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
              method.metrics.Started(/*has_message=*/request->Valid());
              return self->Dispatch(method, self->Admit(self->Steady(), *context), *context, *request, *response);
            },
            &dispatcher) {}

  // Returns when the answer is sent, or when the call is cancelled.
  void RunHandler(const HandlerParameter& parameter) override {
    unary_.RunHandler(parameter);
    dispatcher_.Ended(*parameter.server_context);
  }

  void* Deserialize(grpc_call* call, grpc_byte_buffer* request, grpc::Status* status, void** data) override {
    return unary_.Deserialize(call, request, status, data);
  }

 private:
  UnaryDispatcher& dispatcher_;
  Unary unary_;
};

}  // namespace

std::unique_ptr<grpc::internal::MethodHandler> MakeSyncHandler(ObservedMethod method, UnaryDispatcher& dispatcher) {
  return std::make_unique<SyncHandler>(std::move(method), dispatcher);
}

}  // namespace qconfig
