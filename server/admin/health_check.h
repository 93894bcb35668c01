// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_ADMIN_HEALTH_CHECK_H_
#define QCONFIG_SERVER_ADMIN_HEALTH_CHECK_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// Asks the server of this machine whose --admin-listen is `admin_listen` whether it is ready, for two seconds at the
// most. An unspecified address, such as 0.0.0.0, means loopback.
// kUnavailable, with a sentence: it is not ready, or does not answer. kInvalidArgument: that is no address to ask.
absl::Status CheckHealth(absl::string_view admin_listen);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_ADMIN_HEALTH_CHECK_H_
