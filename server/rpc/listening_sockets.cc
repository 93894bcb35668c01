// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/listening_sockets.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/base/host_and_port.h"

namespace qconfig {
namespace {

absl::Status SystemError() { return absl::UnavailableError(std::strerror(errno)); }

bool SetOption(const UniqueFd& socket, int level, int option, int value) {
  return setsockopt(socket.get(), level, option, &value, sizeof(value)) == 0;
}

// Connections inherit these settings. Without TCP_NODELAY, small answers wait for acknowledgements.
bool ConfigureTcp(const UniqueFd& socket, int family, absl::Duration peer_timeout) {
  return SetOption(socket, SOL_SOCKET, SO_REUSEADDR, 1) && SetOption(socket, IPPROTO_TCP, TCP_NODELAY, 1) &&
         SetOption(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(absl::ToInt64Milliseconds(peer_timeout))) &&
         (family != AF_INET6 || SetOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, 0));
}

absl::Status BindAndListen(const UniqueFd& socket, const sockaddr* address, socklen_t size) {
  constexpr int kAsManyAsAllowed = std::numeric_limits<int>::max();  // net.core.somaxconn
  if (bind(socket.get(), address, size) != 0 || listen(socket.get(), kAsManyAsAllowed) != 0) return SystemError();
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> ListenOn(const addrinfo& address, int port, absl::Duration peer_timeout) {
  sockaddr_storage bound = {};
  std::memcpy(&bound, address.ai_addr, address.ai_addrlen);
  // The port stands at the same place in addresses of both families.
  reinterpret_cast<sockaddr_in&>(bound).sin_port = htons(static_cast<uint16_t>(port));
  UniqueFd opened(socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!opened.ok() || !ConfigureTcp(opened, address.ai_family, peer_timeout)) return SystemError();
  absl::Status status = BindAndListen(opened, reinterpret_cast<const sockaddr*>(&bound), address.ai_addrlen);
  if (!status.ok()) return status;
  return opened;
}

std::optional<int> PortOf(const UniqueFd& socket) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::StatusOr<Addresses> ResolveHost(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), "0", &hints, &found);
  if (error == EAI_SYSTEM) return SystemError();
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  return Addresses(found, freeaddrinfo);
}

bool IsWildcard(const addrinfo& address) {
  if (address.ai_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in*>(address.ai_addr)->sin_addr.s_addr == htonl(INADDR_ANY);
  }
  return address.ai_family == AF_INET6 &&
         IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6*>(address.ai_addr)->sin6_addr);
}

bool IsSocket(const std::string& path) {
  struct stat file = {};
  return stat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode);
}

}  // namespace

absl::StatusOr<ListeningSockets> ListeningSockets::Open(absl::string_view address, absl::Duration peer_timeout) {
  ListeningSockets opened;
  absl::Status status;
  if (absl::ConsumePrefix(&address, "unix:")) {
    status = opened.OpenUnix(address, /*is_abstract=*/false);
  } else if (absl::ConsumePrefix(&address, "unix-abstract:")) {
    status = opened.OpenUnix(address, /*is_abstract=*/true);
  } else {
    const auto parts = ParseHostAndPort("--listen", address);
    if (!parts.ok()) return parts.status();
    status = opened.OpenHost(parts->host, parts->port, peer_timeout);
  }
  if (!status.ok()) return status;
  return opened;
}

ListeningSockets::ListeningSockets(ListeningSockets&& other) noexcept
    : sockets_(std::move(other.sockets_)), port_(other.port_), path_(std::exchange(other.path_, "")) {}

ListeningSockets::~ListeningSockets() {
  if (!path_.empty()) unlink(path_.c_str());
}

absl::Status ListeningSockets::OpenHost(const std::string& host, int port, absl::Duration peer_timeout) {
  auto addresses = ResolveHost(host);
  if (!addresses.ok()) return addresses.status();
  if (!IsWildcard(**addresses)) return OpenAddresses(addresses->get(), port, peer_timeout);
  // A socket of [::] also accepts IPv4. A system without IPv6 has only 0.0.0.0.
  absl::Status status;
  for (const char* wildcard : {"::", "0.0.0.0"}) {
    addresses = ResolveHost(wildcard);
    status = addresses.ok() ? OpenAddresses(addresses->get(), port, peer_timeout) : addresses.status();
    if (status.ok()) break;
  }
  return status;
}

absl::Status ListeningSockets::OpenAddresses(const addrinfo* address, int port, absl::Duration peer_timeout) {
  absl::Status failure;
  for (; address != nullptr; address = address->ai_next) {
    auto socket = ListenOn(*address, port_ == 0 ? port : port_, peer_timeout);
    if (!socket.ok()) {
      failure = socket.status();
      continue;
    }
    port_ = PortOf(*socket).value_or(0);
    sockets_.push_back(*std::move(socket));
  }
  return sockets_.empty() ? failure : absl::OkStatus();
}

absl::Status ListeningSockets::OpenUnix(absl::string_view path, bool is_abstract) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const size_t skipped = is_abstract ? 1 : 0;  // abstract names follow a zero
  const size_t most = sizeof(address.sun_path) - 1;
  if (path.size() > most) return absl::UnavailableError(absl::StrCat("the path is longer than ", most, " bytes"));
  std::memcpy(address.sun_path + skipped, path.data(), path.size());
  const std::string file = is_abstract ? "" : std::string(path);
  if (IsSocket(file)) unlink(file.c_str());
  UniqueFd opened(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!opened.ok()) return SystemError();
  const size_t size = is_abstract ? offsetof(sockaddr_un, sun_path) + 1 + path.size() : sizeof(address);
  absl::Status status =
      BindAndListen(opened, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size));
  if (!status.ok()) return status;
  path_ = file;
  sockets_.push_back(std::move(opened));
  return absl::OkStatus();
}

}  // namespace qconfig
