// SPDX-License-Identifier: Apache-2.0
#include "server/app/admin_token.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/canonical_json.h"
#include "server/base/files/small_file.h"

namespace qconfig {

absl::StatusOr<std::string> ReadAdminToken(const std::string& path) {
  const auto text = ReadSmallFile(path);
  if (!text.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--admin-token-file ", path, " ", text.status().message()));
  }
  const absl::string_view token = absl::StripAsciiWhitespace(*text);
  if (token.empty()) return absl::InvalidArgumentError(absl::StrCat("--admin-token-file ", path, " is empty"));
  return std::string(token);
}

bool HasAdminToken(const std::string& path, absl::string_view authorization, LimitedLog& log) {
  const auto token = ReadAdminToken(path);
  if (!token.ok()) {
    log.Warn("requests for metrics are rejected", {{"error", token.status().message()}});
    return false;
  }
  // Equal hashes take no time that says how much of a token is right.
  return absl::ConsumePrefix(&authorization, "Bearer ") && Sha256Hex(authorization) == Sha256Hex(*token);
}

}  // namespace qconfig
