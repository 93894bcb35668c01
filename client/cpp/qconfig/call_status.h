// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_CALL_STATUS_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_CALL_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace qconfig::client {

// Returns a status with the same code and text, and the payload for ErrorOf(). REQUIRES: `status` is not OK.
absl::Status ToAbslStatus(const grpc::Status& status);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_CALL_STATUS_H_
