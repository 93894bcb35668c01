// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_TURNS_H_
#define QCONFIG_SERVER_TURNS_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace qconfig {

// Lets a number of threads work at once, and others wait for their turn. Thread-safe.
class Turns {
 public:
  explicit Turns(size_t count) : free_(count) {}

  // The caller works as long as its turn lives.
  class Turn {
   public:
    // Waits until `deadline` at the most.
    Turn(Turns& turns, absl::Time deadline) : turns_(turns), came_(turns.Take(deadline)) {}
    ~Turn() {
      if (came_) turns_.GiveBack();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    // Whether it came in time.
    bool came() const { return came_; }

   private:
    Turns& turns_;
    const bool came_;
  };

 private:
  bool Take(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto is_free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return free_ > 0; };
    if (!mutex_.AwaitWithDeadline(absl::Condition(&is_free), deadline)) return false;
    --free_;
    return true;
  }

  void GiveBack() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    ++free_;
  }

  absl::Mutex mutex_;
  size_t free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_TURNS_H_
