// SPDX-License-Identifier: Apache-2.0
#include "server/app/memory_monitor.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "server/base/memory_usage.h"

namespace qconfig {

MemoryMonitor::MemoryMonitor(std::shared_ptr<MemoryPressure> pressure, EventLog events, Actions actions)
    : pressure_(std::move(pressure)),
      events_(std::move(events)),
      actions_(std::move(actions)),
      thread_([this] { Run(); }) {}

MemoryMonitor::~MemoryMonitor() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
    changed_.Signal();
  }
  thread_.join();
}

void MemoryMonitor::Run() {
  constexpr absl::Duration kInterval = absl::Milliseconds(100);
  constexpr int kTicksPerSecond = 10;
  int ticks = 0;
  absl::MutexLock lock(&mutex_);
  const auto is_stopped = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopped_; };
  while (!changed_.AwaitWithTimeout(&mutex_, is_stopped, kInterval)) {
    const MemoryPressure::Level level = pressure_->Update(ResidentBytes());
    Log(level);
    if (++ticks % kTicksPerSecond != 0) continue;
    actions_.cancel_unread();
    if (level == MemoryPressure::Level::kCritical) actions_.shrink_caches();
    ReturnMemory(level, ticks / kTicksPerSecond);
  }
}

void MemoryMonitor::ReturnMemory(MemoryPressure::Level level, int second) {
  // The allocator locks its arenas one by one in the meantime, so memory is not returned more often than useful.
  constexpr int kSecondsAtRest = 5;
  constexpr size_t kWorthwhile = 16u << 20;
  const bool is_pressing = level != MemoryPressure::Level::kNone;
  if (!is_pressing && second % kSecondsAtRest != 0) return;
  const size_t now_free = mallinfo2().fordblks;
  if (is_pressing || now_free > free_bytes_ + kWorthwhile) {
    malloc_trim(0);
    free_bytes_ = now_free;
  } else {
    free_bytes_ = std::min(free_bytes_, now_free);
  }
}

void MemoryMonitor::Log(MemoryPressure::Level level) {
  const bool is_pressing = level != MemoryPressure::Level::kNone;
  if (is_pressing == (logged_ != MemoryPressure::Level::kNone)) return;
  logged_ = level;
  if (is_pressing) {
    events_.Warn("memory is short: rejecting large requests",
                 {{"used_bytes", pressure_->used()}, {"limit_bytes", pressure_->limit()}});
  } else {
    events_.Info("memory is no longer short", {{"used_bytes", pressure_->used()}});
  }
}

}  // namespace qconfig
