// SPDX-License-Identifier: Apache-2.0
#include "server/app/close_connections.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/numbers.h"

namespace qconfig {
namespace {

// The port of an address of IPv4 or IPv6; 0 for other addresses.
int PortOf(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return 0;
}

// Whether `file` is a socket that is connected, from `port` of this machine.
bool IsConnectionOf(int file, int port) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getpeername(file, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  size = sizeof(address);
  return getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0 && PortOf(address) == port;
}

}  // namespace

void CloseAcceptedConnections(int port) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
    int file = 0;
    if (absl::SimpleAtoi(entry.path().filename().string(), &file) && IsConnectionOf(file, port)) {
      shutdown(file, SHUT_RDWR);
    }
  }
}

}  // namespace qconfig
