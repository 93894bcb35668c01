// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SERVICES_REQUEST_DIGEST_H_
#define QCONFIG_SERVER_SERVICES_REQUEST_DIGEST_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/statusor.h"

namespace qconfig {

// A digest of the content of a write, as 64 lower-case hex digits. Ignores `tenant`, `request_id`, output-only and
// unknown fields. The digest is stored as long as history, so its input is JSON with sorted keys: different versions of
// Protobuf can serialize the same message to different bytes. INVALID_REQUEST: ProtoJSON cannot express the request.
// REQUIRES: the request has the fields `tenant` and `request_id`.
absl::StatusOr<std::string> RequestDigest(const google::protobuf::Message& request);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SERVICES_REQUEST_DIGEST_H_
