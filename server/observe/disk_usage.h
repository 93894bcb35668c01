// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_DISK_USAGE_H_
#define QCONFIG_SERVER_OBSERVE_DISK_USAGE_H_

#include <atomic>
#include <cstdint>
#include <string>

namespace qconfig {

// What the registry's files take, and what their disk has left, as of the last Look(): a disk that hangs must not hold
// up those who read metrics. 0 when registries are in memory. Thread-safe.
class DiskUsage {
 public:
  // `storage` is as StorageOf() tells.
  explicit DiskUsage(const std::string& storage);

  void Look();

  int64_t file_bytes() const { return file_bytes_; }
  int64_t free_bytes() const { return free_bytes_; }

 private:
  const std::string path_;  // empty: none
  std::atomic<int64_t> file_bytes_ = 0;
  std::atomic<int64_t> free_bytes_ = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_DISK_USAGE_H_
