// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_SERVICE_CONFIG_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_SERVICE_CONFIG_H_

namespace qconfig::client {

// The content of client/service_config.json at build time: round robin over the healthy servers, and retries of calls
// that fail with UNAVAILABLE.
extern const char kServiceConfig[];

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_SERVICE_CONFIG_H_
