// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_ADMIN_TOKEN_H_
#define QCONFIG_SERVER_APP_ADMIN_TOKEN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/base/limited_log.h"

namespace qconfig {

// The token in the file that --admin-token-file names. kInvalidArgument: the file cannot be read, or is empty.
absl::StatusOr<std::string> ReadAdminToken(const std::string& path);

// Whether the header `authorization` has the token in the file, which may be replaced at any time. If the file cannot
// be used, warns in `log` and returns false.
bool HasAdminToken(const std::string& path, absl::string_view authorization, LimitedLog& log);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_ADMIN_TOKEN_H_
