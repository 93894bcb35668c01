// SPDX-License-Identifier: Apache-2.0
#include "server/admin/admin_connections.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace qconfig {

bool BoundedConnection::WaitFor(short events) const {
  while (true) {
    const int64_t left = absl::ToInt64Milliseconds(end_ - absl::Now());
    if (left <= 0) return false;
    pollfd waiting = {socket_, events, 0};
    const int found = poll(&waiting, 1, static_cast<int>(left));
    if (found > 0) return true;
    if (found < 0 && errno != EINTR) return false;
  }
}

ssize_t BoundedConnection::Read(char* bytes, size_t size) {
  if (handed_over_ == read_.size()) {
    constexpr size_t kBlock = 4096;
    read_.resize(std::min(kBlock, bytes_left_));
    handed_over_ = 0;
    const ssize_t got = !read_.empty() && WaitFor(POLLIN) ? recv(socket_, read_.data(), read_.size(), 0) : -1;
    read_.resize(got > 0 ? static_cast<size_t>(got) : 0);
    bytes_left_ -= read_.size();
    if (got <= 0) return got;
  }
  const size_t count = read_.copy(bytes, size, handed_over_);
  handed_over_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t BoundedConnection::Write(const char* bytes, size_t size) {
  return WaitFor(POLLOUT) ? send(socket_, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
}

void ConnectionTable::MakeRoom() {
  const bool too_many = expected_ + begun_.size() - ending_ > max_connections_;
  if (!too_many || begun_.size() == ending_) return;
  // Its thread notices, and closes it.
  shutdown(*std::next(begun_.begin(), static_cast<std::ptrdiff_t>(ending_)), SHUT_RDWR);
  ++ending_;
}

void ConnectionTable::Expect() {
  const absl::MutexLock lock(&mutex_);
  ++expected_;
  MakeRoom();
}

void ConnectionTable::Begin(int socket) {
  const absl::MutexLock lock(&mutex_);
  MakeRoom();
  --expected_;
  begun_.push_back(socket);
  if (!closed_) return;
  shutdown(socket, SHUT_RDWR);
  ++ending_;
}

void ConnectionTable::End(int socket) {
  {
    const absl::MutexLock lock(&mutex_);
    const auto it = std::find(begun_.begin(), begun_.end(), socket);
    if (static_cast<size_t>(std::distance(begun_.begin(), it)) < ending_) --ending_;
    begun_.erase(it);
  }
  close(socket);
}

void ConnectionTable::CloseAll() {
  const absl::MutexLock lock(&mutex_);
  closed_ = true;
  for (const int socket : begun_) shutdown(socket, SHUT_RDWR);
  ending_ = begun_.size();
}

}  // namespace qconfig
