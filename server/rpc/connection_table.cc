// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/connection_table.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <utility>

namespace qconfig {
namespace {

// The inode of the socket `fd`; 0 if it is not one.
ino_t SocketInode(int fd) {
  struct stat file = {};
  return fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode) ? file.st_ino : 0;
}

}  // namespace

ConnectionTable::Admission ConnectionTable::Add(int fd, const std::string& peer) {
  absl::MutexLock lock(&mutex_);
  // The system has given the number away again, so the earlier connection is closed.
  if (const auto closed = connections_.find(fd); closed != connections_.end()) Remove(closed);
  if (const Admission admission = MakeRoom(peer); admission != Admission::kAdmitted) return admission;
  Peer& of_peer = peers_[peer];
  ++of_peer.connections;
  Connection connection;
  connection.inode = SocketInode(fd);
  connection.peer = peer;
  connection.in_all = silent_.insert(silent_.end(), fd);
  connection.in_peer = of_peer.silent.insert(of_peer.silent.end(), fd);
  connections_.emplace(fd, std::move(connection));
  return Admission::kAdmitted;
}

void ConnectionTable::MarkEstablished(int fd) {
  absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(fd);
  if (found != connections_.end() && found->second.state == State::kNew) found->second.state = State::kEstablished;
}

void ConnectionTable::MarkActive(int fd) {
  absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(fd);
  if (found == connections_.end() || found->second.state == State::kActive) return;
  Unlist(found->second);
  found->second.state = State::kActive;
}

ConnectionTable::Handshake ConnectionTable::HandshakeOf(int fd) const {
  absl::MutexLock lock(&mutex_);
  const auto found = connections_.find(fd);
  if (found == connections_.end() || found->second.state != State::kNew) return Handshake::kDone;
  return SocketInode(fd) == found->second.inode ? Handshake::kRunning : Handshake::kAborted;
}

void ConnectionTable::AcceptFailed(bool out_of_descriptors) {
  absl::MutexLock lock(&mutex_);
  ++counts_.accept_failures;
  if (!out_of_descriptors) return;
  RemoveClosed();
  if (!silent_.empty()) Evict(silent_.front());
}

ConnectionCounts ConnectionTable::counts() {
  absl::MutexLock lock(&mutex_);
  RemoveClosed();
  ConnectionCounts counts = counts_;
  counts.silent = static_cast<int64_t>(silent_.size());
  counts.active = static_cast<int64_t>(connections_.size() - silent_.size());
  return counts;
}

bool ConnectionTable::IsPeerFull(const std::string& peer) const {
  const auto found = peers_.find(peer);
  return !peer.empty() && found != peers_.end() && found->second.connections >= limits_.per_peer;
}

ConnectionTable::Admission ConnectionTable::MakeRoom(const std::string& peer) {
  if (IsPeerFull(peer) || IsFull()) RemoveClosed();
  if (IsPeerFull(peer)) {
    const SilentList& silent = peers_[peer].silent;
    if (silent.empty()) {
      ++counts_.rejected_peer;
      return Admission::kRejectedPeer;
    }
    Evict(silent.front());
  }
  if (IsFull()) {
    if (silent_.empty()) {
      ++counts_.rejected;
      return Admission::kRejected;
    }
    Evict(silent_.front());
  }
  return Admission::kAdmitted;
}

// Takes milliseconds for thousands of connections, so it is not done for each of many new ones.
void ConnectionTable::RemoveClosed() {
  constexpr absl::Duration kPause = absl::Milliseconds(100);
  const absl::Duration now = clock_.Steady();
  if (now < last_look_ + kPause) return;
  last_look_ = now;
  for (auto connection = connections_.begin(); connection != connections_.end();) {
    const bool is_open = SocketInode(connection->first) == connection->second.inode;
    is_open ? ++connection : connection = Remove(connection);
  }
}

void ConnectionTable::Evict(int fd) {
  const auto found = connections_.find(fd);
  if (SocketInode(fd) == found->second.inode) {
    // The owner reads the end of the connection and closes it. It may also close it just now, and the number may be
    // used again. shutdown() affects only sockets, so the worst is that another connection must be made again.
    shutdown(fd, SHUT_RDWR);
    ++counts_.evicted;
  }
  Remove(found);
}

void ConnectionTable::Unlist(const Connection& connection) {
  silent_.erase(connection.in_all);
  peers_.at(connection.peer).silent.erase(connection.in_peer);
}

ConnectionTable::Connections::iterator ConnectionTable::Remove(Connections::iterator connection) {
  if (connection->second.state != State::kActive) Unlist(connection->second);
  const auto peer = peers_.find(connection->second.peer);
  if (--peer->second.connections == 0) peers_.erase(peer);
  return connections_.erase(connection);
}

}  // namespace qconfig
