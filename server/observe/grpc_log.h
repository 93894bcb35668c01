// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_GRPC_LOG_H_
#define QCONFIG_SERVER_OBSERVE_GRPC_LOG_H_

#include <memory>

#include "server/base/limited_log.h"

namespace qconfig {

// From now on, writes the lines of gRPC's log, which the whole process shares, to `log`. gRPC calls many things errors
// that a peer can cause, so none of them is more than a warning. Thread-safe.
void ReadGrpcLog(std::shared_ptr<LimitedLog> log);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_GRPC_LOG_H_
