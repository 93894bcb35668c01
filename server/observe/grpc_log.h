// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_GRPC_LOG_H_
#define QCONFIG_SERVER_OBSERVE_GRPC_LOG_H_

#include <functional>

#include "server/base/event_log.h"

namespace qconfig {

// From now on, writes the lines of gRPC's log, which the whole process shares, to `log`. Calls `on_port_lost` at the
// first line that reports that gRPC can no longer accept connections; gRPC does not report this in any other way.
// `on_port_lost` is called on a thread of gRPC and must not block. Thread-safe.
void ReadGrpcLog(EventLog log, std::function<void()> on_port_lost);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_GRPC_LOG_H_
