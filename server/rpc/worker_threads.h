// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_WORKER_THREADS_H_
#define QCONFIG_SERVER_RPC_WORKER_THREADS_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace qconfig {

// Runs work that may wait, each piece at once on a thread of its own: it starts a thread whenever all others are busy,
// and keeps it. What is more than `max_threads`, or than the system has, waits for a thread. Thread-safe.
class WorkerThreads {
 public:
  explicit WorkerThreads(size_t max_threads) : max_threads_(max_threads) {}

  // Ends when all work is done. REQUIRES: Run() is called no more.
  ~WorkerThreads();

  // Returns false, and does nothing, when the system gives not even one thread.
  bool Run(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Work() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for work. Null: there is none and will be none.
  std::function<void()> Take() ABSL_LOCKS_EXCLUDED(mutex_);

  const size_t max_threads_;
  absl::Mutex mutex_;
  absl::CondVar news_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_WORKER_THREADS_H_
