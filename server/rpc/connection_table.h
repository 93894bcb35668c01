// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_CONNECTION_TABLE_H_
#define QCONFIG_SERVER_RPC_CONNECTION_TABLE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"

namespace qconfig {

struct ConnectionLimits {
  size_t total = 10'000;
  size_t per_peer = 5'000;
};

// What the table has seen.
struct ConnectionCounts {
  int64_t silent = 0;  // now open
  int64_t active = 0;
  int64_t evicted = 0;  // since the start
  int64_t rejected = 0;
  int64_t rejected_peer = 0;    // because of the limit of the peer
  int64_t accept_failures = 0;  // for lack of file descriptors or memory
};

// The accepted connections, by file descriptor. A connection is silent until it is marked as active. When a limit is
// reached, the oldest silent connection is shut down to make room: peers that connect and say nothing cannot keep
// others out. Active connections are never shut down for others.
//
// The descriptors belong to somebody else, who closes them without notice. The table recognizes a closed connection by
// the inode of its socket, and looks for closed ones when it needs room. Thread-safe.
class ConnectionTable {
 public:
  enum class Admission { kAdmitted, kRejected, kRejectedPeer };
  enum class Handshake { kRunning, kDone, kAborted };

  explicit ConnectionTable(const ConnectionLimits& limits, Clock clock = Clock())
      : limits_(limits), clock_(std::move(clock)) {}

  // Adds the open socket `fd`. Connections with the same `peer` share a limit, unless it is empty. If the connection is
  // rejected, the caller closes it.
  Admission Add(int fd, const std::string& peer) ABSL_LOCKS_EXCLUDED(mutex_);

  // The connection's TLS handshake has succeeded, or it needs none. Does nothing if the table does not know it.
  void MarkEstablished(int fd) ABSL_LOCKS_EXCLUDED(mutex_);

  // The connection is in use. Does nothing if the table does not know it.
  void MarkActive(int fd) ABSL_LOCKS_EXCLUDED(mutex_);

  // kAborted: the connection was closed before it was established. kDone also if the table no longer knows it.
  Handshake HandshakeOf(int fd) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Counts a failed accept(). If the process has no file descriptors left, shuts down the oldest silent connection.
  void AcceptFailed(bool out_of_descriptors) ABSL_LOCKS_EXCLUDED(mutex_);

  // At most a tenth of a second old.
  ConnectionCounts counts() ABSL_LOCKS_EXCLUDED(mutex_);

  const ConnectionLimits& limits() const { return limits_; }

 private:
  enum class State { kNew, kEstablished, kActive };
  using SilentList = std::list<int>;  // descriptors, the oldest first

  struct Connection {
    ino_t inode;
    std::string peer;
    State state = State::kNew;
    SilentList::iterator in_all;  // the places of a silent connection
    SilentList::iterator in_peer;
  };
  struct Peer {
    size_t connections = 0;
    SilentList silent;
  };
  using Connections = std::unordered_map<int, Connection>;

  bool IsPeerFull(const std::string& peer) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsFull() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return connections_.size() >= limits_.total; }
  Admission MakeRoom(const std::string& peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RemoveClosed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Evict(int fd) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Unlist(const Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Connections::iterator Remove(Connections::iterator connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ConnectionLimits limits_;
  const Clock clock_;
  mutable absl::Mutex mutex_;
  Connections connections_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<std::string, Peer> peers_ ABSL_GUARDED_BY(mutex_);
  SilentList silent_ ABSL_GUARDED_BY(mutex_);
  ConnectionCounts counts_ ABSL_GUARDED_BY(mutex_);  // without the open ones
  absl::Duration last_look_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_CONNECTION_TABLE_H_
