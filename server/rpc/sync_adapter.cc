// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/sync_adapter.h"

#include <grpcpp/support/method_handler.h>

#include <utility>

namespace qconfig {

std::unique_ptr<grpc::internal::MethodHandler> MakeSyncHandler(ObservedMethod method, UnaryDispatcher& dispatcher) {
  using Handler = grpc::internal::RpcMethodHandler<UnaryDispatcher, grpc::ByteBuffer, grpc::ByteBuffer>;
  return std::make_unique<Handler>(
      [method = std::move(method)](UnaryDispatcher* self, grpc::ServerContext* context, const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) {
        method.metrics.Started(/*has_message=*/request->Valid());
        return self->Dispatch(method, self->Admit(self->Steady(), *context), *context, *request, *response);
      },
      &dispatcher);
}

}  // namespace qconfig
