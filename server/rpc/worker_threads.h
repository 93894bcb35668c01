// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_WORKER_THREADS_H_
#define QCONFIG_SERVER_RPC_WORKER_THREADS_H_

#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace qconfig {

// Runs work that may block. Starts a thread whenever all others are busy, and keeps it. Work waits for a thread only if
// there are `max_threads`, or if the system cannot start another. The threads have a lower priority than the others of
// the process. Thread-safe.
class WorkerThreads {
 public:
  explicit WorkerThreads(size_t max_threads) : max_threads_(max_threads) {}

  // Waits until all work is done. REQUIRES: no further call of Run().
  ~WorkerThreads();

  // Returns false, and does nothing, if there is no thread and the system cannot start one.
  bool Run(absl::AnyInvocable<void()> work) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Work() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for work. Null: there will be no more work.
  absl::AnyInvocable<void()> Take() ABSL_LOCKS_EXCLUDED(mutex_);

  const size_t max_threads_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<absl::AnyInvocable<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_WORKER_THREADS_H_
