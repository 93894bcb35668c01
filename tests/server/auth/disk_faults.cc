// SPDX-License-Identifier: Apache-2.0
#include "tests/server/auth/disk_faults.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

namespace qconfig {

HangingDisk::HangingDisk(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  inode_ = status.st_ino;
  EXPECT_EQ(current_.exchange(this), nullptr);
}

HangingDisk::~HangingDisk() {
  Resume();
  current_ = nullptr;
}

void HangingDisk::Resume() {
  if (!resumed_.HasBeenNotified()) resumed_.Notify();
}

void HangingDisk::BeforeWrite(int fd) {
  HangingDisk* const disk = current_;
  struct stat status {};
  if (disk == nullptr || fstat(fd, &status) != 0 || status.st_ino != disk->inode_) return;
  if (!disk->reached_.HasBeenNotified()) disk->reached_.Notify();
  disk->resumed_.WaitForNotification();
}

FileLimit::FileLimit(uintmax_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);  // NOLINT(cert-err33-c)
  getrlimit(RLIMIT_FSIZE, &before_);
  const rlimit limit{bytes, before_.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
}

FileLimit::~FileLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

}  // namespace qconfig

// The linker makes __wrap_write of write in this program.
extern "C" {
ssize_t __real_write(int fd, const void* bytes, size_t size);
ssize_t __wrap_write(int fd, const void* bytes, size_t size) {
  qconfig::HangingDisk::BeforeWrite(fd);
  return __real_write(fd, bytes, size);
}
}
