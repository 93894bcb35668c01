// SPDX-License-Identifier: Apache-2.0
#include "tests/server/raw_connection.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "server/base/host_and_port.h"

namespace qconfig {
namespace {

UniqueFd Connect(const sockaddr* address, size_t size) {
  UniqueFd connection(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(connection.get(), address, static_cast<socklen_t>(size)) != 0) return UniqueFd();
  return connection;
}

}  // namespace

UniqueFd ConnectTo(const std::string& address) {
  absl::string_view path = address;
  const bool is_abstract = absl::ConsumePrefix(&path, "unix-abstract:");
  if (is_abstract || absl::ConsumePrefix(&path, "unix:")) {
    sockaddr_un to = {};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path + (is_abstract ? 1 : 0), path.data(), path.size());
    return Connect(reinterpret_cast<sockaddr*>(&to), offsetof(sockaddr_un, sun_path) + 1 + path.size());
  }
  const HostAndPort to = ParseHostAndPort("address", address).value();
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found) != 0) return UniqueFd();
  UniqueFd connection = Connect(found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return connection;
}

bool EndsWithin(absl::Duration timeout, const UniqueFd& connection) {
  const absl::Time end = absl::Now() + timeout;
  while (absl::Now() < end) {
    pollfd polled = {connection.get(), POLLIN, 0};
    poll(&polled, 1, static_cast<int>(absl::ToInt64Milliseconds(end - absl::Now())));
    char bytes[4096];
    if (recv(connection.get(), bytes, sizeof(bytes), MSG_DONTWAIT) == 0) return true;
    if (errno != EAGAIN && errno != EINTR) return true;
  }
  return false;
}

}  // namespace qconfig
