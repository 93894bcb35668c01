// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_APP_MEMORY_MONITOR_H_
#define QCONFIG_SERVER_APP_MEMORY_MONITOR_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/base/event_log.h"
#include "server/base/memory_pressure.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// Measures the memory of this process every 100 ms in its own thread, and returns free memory to the system.
class MemoryMonitor {
 public:
  // What else frees memory.
  struct Actions {
    std::function<void()> shrink_caches;  // called once a second while the pressure is critical
    std::function<void()> cancel_unread;  // called once a second
  };

  // Reports the memory to `pressure`.
  MemoryMonitor(std::shared_ptr<MemoryPressure> pressure, EventLog events, Actions actions);
  ~MemoryMonitor();

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // `second` counts the seconds since the start.
  void ReturnMemory(MemoryPressure::Level level, int second);
  // Logs when memory begins to be short, and when it no longer is.
  void Log(MemoryPressure::Level level);

  const std::shared_ptr<MemoryPressure> pressure_;
  const EventLog events_;
  const Actions actions_;
  size_t free_bytes_ = 0;  // in the allocator after it returned memory: the rest of pages that are in use
  MemoryPressure::Level logged_ = MemoryPressure::Level::kNone;
  absl::Mutex mutex_;
  SteadyCondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last, because it uses the others
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_APP_MEMORY_MONITOR_H_
