// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_ACCEPTOR_H_
#define QCONFIG_SERVER_RPC_ACCEPTOR_H_

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/limited_log.h"
#include "server/base/unique_fd.h"
#include "server/rpc/connection_table.h"
#include "server/rpc/handshake_gate.h"
#include "server/rpc/listening_sockets.h"

namespace qconfig {

// Accepts connections on its own thread, within the limits of a ConnectionTable. gRPC 1.51 stops listening for good
// when a single accept() fails, and does not count connections. This class survives failures: it keeps a file
// descriptor in reserve, so that it can accept and close a connection when the process has none left. Thread-safe.
class Acceptor {
 public:
  // Takes over an accepted, non-blocking socket. Called on the acceptor's thread, and must return quickly.
  using HandOver = std::function<void(int fd)>;

  struct Settings {
    absl::Duration first_bytes_timeout = absl::Seconds(20);  // then silent connections are closed
    bool limits_handshakes = false;                          // with a HandshakeGate
    // Whether somebody calls the table's MarkActive() and MarkEstablished(). If not, a connection is active when it has
    // sent something.
    bool sees_calls = false;
    Clock clock;
    std::shared_ptr<LimitedLog> log;
  };

  // `table` must outlive the acceptor. kUnavailable: the process has no file descriptors or threads left.
  static absl::StatusOr<std::unique_ptr<Acceptor>> Start(ListeningSockets sockets, HandOver hand_over,
                                                         ConnectionTable& table, Settings settings);

  // Stops listening, and closes the connections that have sent nothing. `hand_over` is not called afterwards.
  ~Acceptor();

  // The port that the acceptor listens on; 0 for a Unix socket.
  int port() const { return sockets_.port(); }

 private:
  // A connection that has sent nothing yet.
  struct Silent {
    UniqueFd connection;
    std::string host, name;
    absl::Duration since;
  };

  Acceptor(ListeningSockets sockets, HandOver hand_over, ConnectionTable& table, Settings settings);

  absl::Status Prepare();
  bool Watch(int fd) const;
  void Run();
  bool AcceptAll(int listening);
  bool OnFailure(int listening, int error);
  void Admit(UniqueFd connection, const sockaddr_storage& address);
  void OnReadable(int fd);
  void BeginHandshakes();
  void Pass(UniqueFd connection);
  void CloseOld();

  ListeningSockets sockets_;
  const HandOver hand_over_;
  ConnectionTable& table_;
  const Settings settings_;
  UniqueFd epoll_;
  UniqueFd wake_;     // an eventfd; readable when the thread must end
  UniqueFd reserve_;  // closed for a moment to accept a connection that cannot be kept
  std::unordered_map<int, Silent> silent_;
  HandshakeGate gate_;
  std::thread thread_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_ACCEPTOR_H_
