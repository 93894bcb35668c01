// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_DIGEST_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_DIGEST_H_

#include "absl/status/status.h"
#include "qconfig/v1/config_service.pb.h"

namespace qconfig::client {

// Whether the SHA-256 of `canonical_json` is `config_digest`. kDataLoss: it is not. kInvalidArgument: there is no
// `canonical_json`, which the server sends when the request has `include_canonical_json`.
absl::Status VerifyDigest(const v1::GetConfigResponse& response);

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_DIGEST_H_
