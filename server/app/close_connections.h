// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_CLOSE_CONNECTIONS_H_
#define QCONFIG_SERVER_APP_CLOSE_CONNECTIONS_H_

#include "absl/time/time.h"

namespace qconfig {

// Closes all TCP connections that this process has accepted on `port`, so that nothing more is sent on them. A peer
// that sends something on a closed connection loses the bytes that it has not received yet. So a connection stays open
// until all sent bytes are delivered, but at most for `grace`. The sockets stay open until their owner notices. Does
// nothing if the system does not say which files are open.
void CloseAcceptedConnections(int port, absl::Duration grace);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_CLOSE_CONNECTIONS_H_
