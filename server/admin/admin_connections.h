// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_ADMIN_ADMIN_CONNECTIONS_H_
#define QCONFIG_SERVER_ADMIN_ADMIN_CONNECTIONS_H_

#include <sys/types.h>

#include <cstddef>
#include <list>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace qconfig {

// Reads and writes a socket for a bounded time, and reads a bounded number of bytes. Not thread-safe.
class BoundedConnection {
 public:
  BoundedConnection(int socket, absl::Duration max_time, size_t max_read_bytes)
      : socket_(socket), end_(absl::Now() + max_time), bytes_left_(max_read_bytes) {}

  // As read(2) and write(2); -1 also when time or bytes are used up.
  ssize_t Read(char* bytes, size_t size);
  ssize_t Write(const char* bytes, size_t size);

 private:
  // Whether `events` of poll(2) came before the time is used up.
  bool WaitFor(short events) const;

  const int socket_;
  const absl::Time end_;
  size_t bytes_left_;
  std::string read_;  // and not yet handed over
  size_t handed_over_ = 0;
};

// The open connections, of which only so many may be served at once. Thread-safe.
class ConnectionTable {
 public:
  explicit ConnectionTable(size_t max_connections) : max_connections_(max_connections) {}

  // One more connection was accepted, and waits to begin. Closes the oldest that has begun when that makes too many.
  void Expect() ABSL_LOCKS_EXCLUDED(mutex_);
  // One that was expected begins.
  void Begin(int socket) ABSL_LOCKS_EXCLUDED(mutex_);
  // Closes a connection that has begun.
  void End(int socket) ABSL_LOCKS_EXCLUDED(mutex_);
  // Makes all connections end, also those that begin later.
  void CloseAll() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_connections_;
  absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  size_t expected_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t ending_ ABSL_GUARDED_BY(mutex_) = 0;     // told to end
  std::list<int> begun_ ABSL_GUARDED_BY(mutex_);  // oldest first, the `ending_` before all others
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_ADMIN_ADMIN_CONNECTIONS_H_
