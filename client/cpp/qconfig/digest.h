// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_DIGEST_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_DIGEST_H_

#include "absl/status/status.h"
#include "qconfig/v1/config_service.pb.h"

namespace qconfig::client {

// Checks that `config_digest` is the SHA-256 of `canonical_json`. kDataLoss: it is not. kInvalidArgument: the response
// has no `canonical_json`; the server sends it if the request sets `include_canonical_json`.
absl::Status VerifyDigest(const v1::GetConfigResponse& response);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_DIGEST_H_
