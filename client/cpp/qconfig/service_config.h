// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_SERVICE_CONFIG_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_SERVICE_CONFIG_H_

namespace qconfig::client {

// client/service_config.json as it was when this was built: calls go in turns to the servers that say they are healthy,
// and what is UNAVAILABLE is tried again.
extern const char kServiceConfig[];

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_SERVICE_CONFIG_H_
