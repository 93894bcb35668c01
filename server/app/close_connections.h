// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_CLOSE_CONNECTIONS_H_
#define QCONFIG_SERVER_APP_CLOSE_CONNECTIONS_H_

namespace qconfig {

// Closes all TCP connections that this process has accepted on `port`, so that nothing more is sent on them. What was
// sent before still reaches the peers. The sockets stay open until their owner notices. Does nothing if the system does
// not say which files are open.
void CloseAcceptedConnections(int port);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_CLOSE_CONNECTIONS_H_
