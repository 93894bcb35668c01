// SPDX-License-Identifier: Apache-2.0
#include "server/app/close_connections.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "server/base/clock.h"

namespace qconfig {
namespace {

// The port of an address of IPv4 or IPv6; -1 for other addresses.
int GetPort(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return -1;
}

// Whether `file` is a socket that is connected, from `port` of this machine.
bool IsConnectionFromPort(int file, int port) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getpeername(file, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  size = sizeof(address);
  return getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0 && GetPort(address) == port;
}

// Whether the peer's system has received everything that was sent on `connection`.
bool IsDelivered(int connection) {
  int bytes = 0;
  return ioctl(connection, SIOCOUTQ, &bytes) != 0 || bytes == 0;
}

// Closes the connections whose data is delivered, or `all`. Returns whether there was another one.
bool CloseConnections(int port, bool all) {
  bool is_one_sending = false;
  std::error_code error;  // the iterator is at its end after an error
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; entry != end; entry.increment(error)) {
    int file = 0;
    if (!absl::SimpleAtoi(entry->path().filename().string(), &file) || !IsConnectionFromPort(file, port)) continue;
    const bool is_delivered = IsDelivered(file);
    is_one_sending = is_one_sending || !is_delivered;
    // gRPC may close the socket meanwhile, and its number may be used again. That does no harm: shutdown() only affects
    // sockets, and the other connections of this process end soon as well.
    if (is_delivered || all) shutdown(file, SHUT_RDWR);
  }
  return is_one_sending;
}

}  // namespace

void CloseAcceptedConnections(int port, absl::Duration grace) {
  constexpr absl::Duration kBetweenLooks = absl::Milliseconds(5);
  const Clock clock;
  const absl::Duration end = clock.Steady() + grace;
  while (clock.Steady() < end && CloseConnections(port, /*all=*/false)) absl::SleepFor(kBetweenLooks);
  CloseConnections(port, /*all=*/true);
}

}  // namespace qconfig
