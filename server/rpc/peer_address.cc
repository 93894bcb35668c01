// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace qconfig {
namespace {

std::string Text(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, address, text, sizeof(text));
  return text;
}

// An address of IPv4 that a socket of IPv6 shows as ::ffff:192.0.2.1.
bool IsIpv4(const in6_addr& address) { return IN6_IS_ADDR_V4MAPPED(&address) != 0; }

std::string MappedText(const in6_addr& address) {
  constexpr size_t kPrefixBytes = 12;
  return Text(AF_INET, address.s6_addr + kPrefixBytes);
}

}  // namespace

std::string PeerHost(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return Text(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  if (address.ss_family != AF_INET6) return "";
  in6_addr host = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IsIpv4(host)) return MappedText(host);
  constexpr size_t kNetworkBytes = 8;
  std::fill(host.s6_addr + kNetworkBytes, host.s6_addr + sizeof(host.s6_addr), uint8_t{0});
  return absl::StrCat(Text(AF_INET6, &host), "/64");
}

std::string PeerName(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
    return absl::StrCat("ipv4:", Text(AF_INET, &ipv4.sin_addr), ":", ntohs(ipv4.sin_port));
  }
  if (address.ss_family != AF_INET6) return "unix:";
  const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IsIpv4(ipv6.sin6_addr)) {
    return absl::StrCat("ipv4:", MappedText(ipv6.sin6_addr), ":", ntohs(ipv6.sin6_port));
  }
  return absl::StrCat("ipv6:[", Text(AF_INET6, &ipv6.sin6_addr), "]:", ntohs(ipv6.sin6_port));
}

}  // namespace qconfig
