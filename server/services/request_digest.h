// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SERVICES_REQUEST_DIGEST_H_
#define QCONFIG_SERVER_SERVICES_REQUEST_DIGEST_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/statusor.h"

namespace qconfig {

// A digest of what a write asks for, in 64 lower-case hex digits. It is equal for requests with the same content,
// whatever their `tenant`, `request_id`, output-only and unknown fields. It is stored as long as history, so it is
// taken of JSON with sorted keys: the bytes of a serialized message may differ between versions of Protobuf.
// INVALID_REQUEST: ProtoJSON cannot express the request.
// REQUIRES: the request has the fields `tenant` and `request_id`.
absl::StatusOr<std::string> RequestDigest(const google::protobuf::Message& request);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SERVICES_REQUEST_DIGEST_H_
