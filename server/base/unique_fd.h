// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_UNIQUE_FD_H_
#define QCONFIG_SERVER_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace qconfig {

// Owns a file descriptor; -1: none. Not thread-safe.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() {
    if (fd_ >= 0) close(fd_);
  }

  bool ok() const { return fd_ >= 0; }
  int get() const { return fd_; }

  // The descriptor, which the caller must close.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_UNIQUE_FD_H_
