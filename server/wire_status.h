// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_WIRE_STATUS_H_
#define QCONFIG_SERVER_WIRE_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace qconfig {

// An error takes no more than this on the wire: clients drop trailers of over 8 KB and report something else.
constexpr size_t kMaxErrorBytes = 4096;

// The one place where a status goes to the wire: the same code and text, and as details one google.rpc.ErrorInfo and,
// when a field of the request is wrong, one google.rpc.BadRequest. What would pass kMaxErrorBytes is shortened.
grpc::Status ToGrpcStatus(const absl::Status& status);

// How many bytes the text and details of `status` take in HTTP/2 trailers, before compression.
size_t ErrorBytesOnWire(const grpc::Status& status);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_WIRE_STATUS_H_
