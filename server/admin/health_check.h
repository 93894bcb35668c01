// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_ADMIN_HEALTH_CHECK_H_
#define QCONFIG_SERVER_ADMIN_HEALTH_CHECK_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// Checks whether the server on this machine whose --admin-listen is `admin_listen` is ready for reads. Waits up to two
// seconds. An unspecified address, such as 0.0.0.0, means loopback.
// kUnavailable: the server is not ready or does not answer; the message says which. kInvalidArgument: `admin_listen` is
// not an address to connect to.
absl::Status CheckHealth(absl::string_view admin_listen);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_ADMIN_HEALTH_CHECK_H_
