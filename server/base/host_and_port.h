// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_HOST_AND_PORT_H_
#define QCONFIG_SERVER_BASE_HOST_AND_PORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// The parts of "host:port", without the brackets of an IPv6 address.
struct HostAndPort {
  std::string host;
  int port = 0;
};

// Parses host:port or [IPv6 address]:port, with a port from 0 to 65535. Does not resolve names.
// kInvalidArgument: the message names `option`, whose value is `address`.
absl::StatusOr<HostAndPort> ParseHostAndPort(absl::string_view option, absl::string_view address);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_HOST_AND_PORT_H_
