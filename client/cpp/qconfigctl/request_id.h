// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_REQUEST_ID_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_REQUEST_ID_H_

#include <string>

namespace qconfig::client {

// A random UUID (version 4).
std::string NewRequestId();

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_REQUEST_ID_H_
