// SPDX-License-Identifier: Apache-2.0
#include "qconfig/digest.h"

#include <openssl/sha.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace qconfig::client {

absl::Status VerifyDigest(const v1::GetConfigResponse& response) {
  const std::string& json = response.canonical_json();
  if (json.empty()) {
    return absl::InvalidArgumentError("the response has no canonical_json; set include_canonical_json in the request");
  }
  unsigned char sum[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(json.data()), json.size(), sum);
  const std::string digest = absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(sum), sizeof sum));
  if (digest == response.config_digest()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the SHA-256 of canonical_json is ", digest, ", but config_digest is \"",
                                          response.config_digest(), "\""));
}

}  // namespace qconfig::client
