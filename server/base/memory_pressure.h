// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_MEMORY_PRESSURE_H_
#define QCONFIG_SERVER_BASE_MEMORY_PRESSURE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace qconfig {

// Says which work the server rejects because its memory is nearly used up, before the kernel ends the process.
// Thread-safe.
class MemoryPressure {
 public:
  enum class Level {
    kNone,
    kHigh,     // from 85 % of the limit, until less than 80 % are used: rejects work that needs much memory
    kCritical  // from 95 % of the limit, until less than 90 % are used: rejects all but cached answers
  };
  enum class Work { kSmall, kLarge };

  // 0: no limit. Then the level is always kNone.
  explicit MemoryPressure(size_t limit_bytes = 0) : limit_(limit_bytes) {}

  // Sets the level for `used` bytes, and returns it. On one thread at a time.
  Level Update(size_t used);

  // OVERLOADED: the level does not admit this work.
  absl::Status Admit(Work work);

  size_t limit() const { return limit_; }
  size_t used() const { return used_; }
  Level level() const { return level_; }
  // How often Admit() failed.
  int64_t rejections() const { return rejections_; }

 private:
  const size_t limit_;
  std::atomic<size_t> used_{0};
  std::atomic<Level> level_{Level::kNone};
  std::atomic<int64_t> rejections_{0};
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_MEMORY_PRESSURE_H_
