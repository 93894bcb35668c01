// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_CONNECTION_HINTS_JSON_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_CONNECTION_HINTS_JSON_H_

namespace qconfig::client {

// The content of client/connection_hints.json at build time.
extern const char kConnectionHintsJson[];

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_CONNECTION_HINTS_JSON_H_
