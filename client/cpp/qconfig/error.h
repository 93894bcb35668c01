// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_ERROR_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "qconfig/v1/error.pb.h"

namespace qconfig::client {

// The error that the server returned for a failed call. A failed item of a batch has the same message as its `error`.
// `message` is that of the server or of gRPC, without the hint that the status of a failed connection has.
// `reason` is UNSPECIFIED if the failure does not come from a qconfig server, as kUnavailable often does, or if its
// reason is unknown to this client. `detail` has the field, its value, the allowed values, suggestions and revisions;
// it is empty if the server sent none.
v1::ItemError ErrorOf(const absl::Status& status);

// "SCHEME_NOT_FOUND" for ERROR_REASON_SCHEME_NOT_FOUND; empty for UNSPECIFIED and for values unknown to this client.
std::string ReasonName(v1::ErrorReason reason);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_ERROR_H_
