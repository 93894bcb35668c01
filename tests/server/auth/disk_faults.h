// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_AUTH_DISK_FAULTS_H_
#define QCONFIG_TESTS_SERVER_AUTH_DISK_FAULTS_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/synchronization/notification.h"

namespace qconfig {

// Delays calls of write(2) to one file, as a hanging disk does, from its construction to Resume().
class HangingDisk {
 public:
  explicit HangingDisk(const std::string& path);
  ~HangingDisk();

  void AwaitWriter() { reached_.WaitForNotification(); }
  void Resume();

  // Called before each write(2) of the program.
  static void BeforeWrite(int fd);

 private:
  static inline std::atomic<HangingDisk*> current_ = nullptr;
  ino_t inode_ = 0;
  absl::Notification reached_;
  absl::Notification resumed_;
};

// Limits the size of the files of this process. A write up to the limit is short, and the next one fails.
class FileLimit {
 public:
  explicit FileLimit(uintmax_t bytes);
  ~FileLimit();

 private:
  rlimit before_{};
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_AUTH_DISK_FAULTS_H_
