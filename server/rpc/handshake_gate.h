// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_HANDSHAKE_GATE_H_
#define QCONFIG_SERVER_RPC_HANDSHAKE_GATE_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/limited_log.h"
#include "server/base/unique_fd.h"
#include "server/rpc/connection_table.h"
#include "server/rpc/host_budgets.h"

namespace qconfig {

// Decides when connections begin their TLS handshake. A handshake costs as much as a hundred cached answers, on the
// threads that serve calls, and anybody can begin one. So only some run at once, peers take turns, and a peer whose
// handshakes fail waits: its failures per second are limited. Handshakes that succeed cost a peer nothing, so that all
// clients behind one address can reconnect together. Not thread-safe.
class HandshakeGate {
 public:
  static constexpr size_t kAtOnce = 64;
  static constexpr size_t kAtOnceOfPeer = 32;
  static constexpr double kFailuresPerSecond = 100;              // of a peer
  static constexpr absl::Duration kPatience = absl::Seconds(1);  // then a handshake is taken for failed

  // `table` must outlive the gate, and know the connections.
  HandshakeGate(const ConnectionTable& table, std::shared_ptr<LimitedLog> log, Clock clock = Clock())
      : table_(table),
        log_(std::move(log)),
        clock_(std::move(clock)),
        failures_left_(kFailuresPerSecond, kFailuresPerSecond, clock_) {}

  // Adds a connection from the host `host`, for the log `name`.
  void Add(UniqueFd connection, const std::string& host, const std::string& name);

  // The next connection that may begin its handshake. Not ok(): none, for now. Of one peer, the newest one comes first:
  // under a flood, the clients of the oldest have given up.
  UniqueFd Next();

  // Notices which handshakes have ended. To be called before the table learns of another connection, because the system
  // may use a descriptor again.
  void Update();

  // Closes the connections that have waited longer than `timeout`.
  void CloseOlderThan(absl::Duration timeout);

  // Whether no connection waits.
  bool empty() const { return waiting_.empty(); }

 private:
  struct Waiting {
    UniqueFd connection;
    std::string name;
    absl::Duration since;
  };
  struct Running {
    int fd;
    std::string host, name;
    absl::Duration since;
  };
  using WaitingPeers = std::map<std::string, std::vector<Waiting>>;  // by host; never empty vectors

  bool HasEnded(const Running& running, absl::Duration now);
  bool MayBegin(const std::string& host);
  UniqueFd Begin(WaitingPeers::iterator peer, absl::Duration now);

  const ConnectionTable& table_;
  const std::shared_ptr<LimitedLog> log_;
  const Clock clock_;
  WaitingPeers waiting_;
  std::string last_host_;  // that had its turn
  std::vector<Running> running_;
  HostBudgets failures_left_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_HANDSHAKE_GATE_H_
