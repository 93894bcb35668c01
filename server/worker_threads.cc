// SPDX-License-Identifier: Apache-2.0
#include "server/worker_threads.h"

#include <sys/resource.h>

#include <system_error>
#include <utility>

namespace qconfig {

WorkerThreads::~WorkerThreads() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    threads.swap(threads_);
    news_.SignalAll();
  }
  for (std::thread& thread : threads) thread.join();
}

void WorkerThreads::Run(std::function<void()> work) {
  {
    absl::MutexLock lock(&mutex_);
    if (idle_ <= waiting_.size() && threads_.size() < max_threads_) {
      try {
        threads_.emplace_back([this] { Work(); });
      } catch (const std::system_error&) {  // the system gives no more threads now
      }
    }
    if (!threads_.empty()) {
      waiting_.push_back(std::move(work));
      news_.Signal();
      return;
    }
  }
  work();
}

std::function<void()> WorkerThreads::Take() {
  absl::MutexLock lock(&mutex_);
  while (waiting_.empty()) {
    if (ending_) return nullptr;
    ++idle_;
    news_.Wait(&mutex_);
    --idle_;
  }
  std::function<void()> work = std::move(waiting_.front());
  waiting_.pop_front();
  return work;
}

void WorkerThreads::Work() {
  // On Linux this is of the thread only. Else hundreds that compute would leave little to the one that serves them all.
  constexpr int kNice = 10;
  setpriority(PRIO_PROCESS, 0, kNice);
  while (const std::function<void()> work = Take()) work();
}

}  // namespace qconfig
