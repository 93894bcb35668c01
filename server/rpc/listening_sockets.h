// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_LISTENING_SOCKETS_H_
#define QCONFIG_SERVER_RPC_LISTENING_SOCKETS_H_

#include <netdb.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/unique_fd.h"

namespace qconfig {

// The non-blocking sockets on which a server accepts connections. Movable.
class ListeningSockets {
 public:
  // Listens on `address`: host:port, unix:PATH or unix-abstract:NAME. A name stands for all of its addresses, of which
  // one must work. [::] and 0.0.0.0 both stand for all addresses of IPv6 and IPv4. Port 0 means any free port, the same
  // for all addresses. A Unix socket that exists is replaced. The system ends connections whose peer acknowledges
  // nothing for `peer_timeout`. kUnavailable: cannot listen; the message is the system's reason.
  static absl::StatusOr<ListeningSockets> Open(absl::string_view address, absl::Duration peer_timeout);

  ListeningSockets(ListeningSockets&& other) noexcept;
  ListeningSockets& operator=(ListeningSockets&&) = delete;
  // Stops listening, and removes the Unix socket.
  ~ListeningSockets();

  const std::vector<UniqueFd>& sockets() const { return sockets_; }

  // The port; 0 for a Unix socket.
  int port() const { return port_; }

 private:
  ListeningSockets() = default;

  absl::Status OpenHost(const std::string& host, int port, absl::Duration peer_timeout);
  absl::Status OpenAddresses(const addrinfo* address, int port, absl::Duration peer_timeout);
  absl::Status OpenUnix(absl::string_view path, bool is_abstract);

  std::vector<UniqueFd> sockets_;
  int port_ = 0;
  std::string path_;  // of the Unix socket; empty: none
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_LISTENING_SOCKETS_H_
