// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_CLOSE_CONNECTIONS_H_
#define QCONFIG_SERVER_APP_CLOSE_CONNECTIONS_H_

namespace qconfig {

// Shuts down all TCP connections that this process has accepted on `port`, so that nothing more is sent on them. Data
// that was sent before still reaches the peers. The sockets stay open until their owner closes them. Does nothing if
// the operating system does not list the open files.
void CloseAcceptedConnections(int port);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_CLOSE_CONNECTIONS_H_
