// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_DISK_USAGE_H_
#define QCONFIG_SERVER_OBSERVE_DISK_USAGE_H_

#include <atomic>
#include <cstdint>
#include <string>

namespace qconfig {

// The size of the registry's files and the free space of their disk, as of the last Refresh(). Reading the values
// never waits for the disk, which may hang. 0 if registries are in memory. Thread-safe.
class DiskUsage {
 public:
  // `storage` is a result of ResolveStorage().
  explicit DiskUsage(const std::string& storage);

  void Refresh();

  int64_t file_bytes() const { return file_bytes_; }
  int64_t free_bytes() const { return free_bytes_; }

 private:
  const std::string path_;  // empty: none
  std::atomic<int64_t> file_bytes_ = 0;
  std::atomic<int64_t> free_bytes_ = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_DISK_USAGE_H_
