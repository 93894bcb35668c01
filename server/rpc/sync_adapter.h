// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_SYNC_ADAPTER_H_
#define QCONFIG_SERVER_RPC_SYNC_ADAPTER_H_

#include <grpcpp/impl/rpc_service_method.h>

#include <memory>

#include "server/rpc/unary_dispatcher.h"

namespace qconfig {

// Returns a handler that gRPC runs on one of its synchronous threads for each call of `method`. `dispatcher` must
// outlive the result.
std::unique_ptr<grpc::internal::MethodHandler> MakeSyncHandler(ObservedMethod method, UnaryDispatcher& dispatcher);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_SYNC_ADAPTER_H_
