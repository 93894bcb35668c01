// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_GRPC_LOG_H_
#define QCONFIG_SERVER_OBSERVE_GRPC_LOG_H_

#include <functional>

#include "server/observe/event_log.h"

namespace qconfig {

// Reads gRPC's log, which belongs to the process, from now on: writes its lines to `log`, and calls `on_port_lost` the
// first time that they say that gRPC cannot accept connections any more. Nothing else says so. `on_port_lost` is called
// on a thread of gRPC, and must not block. Thread-safe.
void ReadGrpcLog(EventLog log, std::function<void()> on_port_lost);

// Discards gRPC's log from now on. Thread-safe.
void DiscardGrpcLog();

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_GRPC_LOG_H_
