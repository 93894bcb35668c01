// SPDX-License-Identifier: Apache-2.0
#include "server/base/host_and_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

bool IsPort(absl::string_view text, int& port) {
  // SimpleAtoi() also accepts signs and spaces.
  return std::all_of(text.begin(), text.end(), absl::ascii_isdigit) && absl::SimpleAtoi(text, &port) && port <= 65535;
}

bool IsIpv6Address(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), &address) == 1;  // after the %: the interface
}

bool IsHost(absl::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != ':' && c != '[' && c != ']' && c != '/';
  });
}

}  // namespace

absl::StatusOr<HostAndPort> ParseHostAndPort(absl::string_view option, absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon != absl::string_view::npos) {
    HostAndPort parts;
    absl::string_view host = address.substr(0, colon);
    const bool in_brackets = absl::ConsumePrefix(&host, "[") && absl::ConsumeSuffix(&host, "]");
    parts.host = std::string(host);
    const bool valid = in_brackets ? IsIpv6Address(parts.host) : IsHost(address.substr(0, colon));
    if (valid && IsPort(address.substr(colon + 1), parts.port)) return parts;
  }
  constexpr size_t kMaxChars = 100;
  return absl::InvalidArgumentError(
      absl::StrCat(option, " \"", Printable(address, kMaxChars),
                   "\" is not host:port with a port from 0 to 65535, such as 127.0.0.1:9464 or [::1]:9464"));
}

}  // namespace qconfig
