// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_PEER_ADDRESS_H_
#define QCONFIG_SERVER_RPC_PEER_ADDRESS_H_

#include <sys/socket.h>

#include <string>

namespace qconfig {

// The host of a connection's peer: an IPv4 address such as "192.0.2.1", or the /64 network of an IPv6 address such as
// "2001:db8::/64", because a single host can use all of its addresses. Empty for other addresses.
std::string PeerHost(const sockaddr_storage& address);

// The address of a connection's peer as gRPC writes it, such as "ipv4:192.0.2.1:54920". "unix:" for other addresses.
std::string PeerName(const sockaddr_storage& address);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_PEER_ADDRESS_H_
