// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_WIRE_STATUS_H_
#define QCONFIG_SERVER_RPC_WIRE_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace qconfig {

// The maximum size of an error on the wire. Clients drop trailers of more than 8 KB and report a different error.
constexpr size_t kMaxErrorBytes = 4096;

// Maps a status to trailers; no other code does. The code and text stay the same. The details are a
// google.rpc.ErrorInfo, a google.rpc.BadRequest if a field of the request is wrong, and a qconfig.v1.ErrorDetail. An
// error of more than kMaxErrorBytes is shortened.
grpc::Status ToGrpcStatus(const absl::Status& status);

// How many bytes the text and details of `status` take in HTTP/2 trailers, before compression.
size_t ErrorBytesOnWire(const grpc::Status& status);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_WIRE_STATUS_H_
