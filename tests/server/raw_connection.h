// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_RAW_CONNECTION_H_
#define QCONFIG_TESTS_SERVER_RAW_CONNECTION_H_

#include <string>

#include "absl/time/time.h"
#include "server/base/unique_fd.h"

namespace qconfig {

// A connection to host:port, [IPv6 address]:port, unix:PATH or unix-abstract:NAME; not ok() if it cannot be made.
UniqueFd ConnectTo(const std::string& address);

// Waits until the peer ends `connection`, whatever it sends before. Returns whether it does so within `timeout`.
bool EndsWithin(absl::Duration timeout, const UniqueFd& connection);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_RAW_CONNECTION_H_
