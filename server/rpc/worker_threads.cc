// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/worker_threads.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <system_error>
#include <utility>

namespace qconfig {
namespace {

// Threads that receive calls and send answers should not have to wait for the many that compute answers. Only affects
// the shares of the threads of a control group or a session.
void LowerPriority() {
  constexpr int kNice = 5;  // a third of the weight of other threads
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNice);
}

}  // namespace

WorkerThreads::~WorkerThreads() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    threads.swap(threads_);
    changed_.SignalAll();
  }
  for (std::thread& thread : threads) thread.join();
}

bool WorkerThreads::Run(absl::AnyInvocable<void()> work) {
  absl::MutexLock lock(&mutex_);
  if (idle_ <= waiting_.size() && threads_.size() < max_threads_) {
    try {
      threads_.emplace_back([this] { Work(); });
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): the system cannot start another thread now
    }
  }
  if (threads_.empty()) return false;
  waiting_.push_back(std::move(work));
  changed_.Signal();
  return true;
}

absl::AnyInvocable<void()> WorkerThreads::Take() {
  absl::MutexLock lock(&mutex_);
  while (waiting_.empty()) {
    if (ending_) return nullptr;
    ++idle_;
    changed_.Wait(&mutex_);
    --idle_;
  }
  absl::AnyInvocable<void()> work = std::move(waiting_.front());
  waiting_.pop_front();
  return work;
}

void WorkerThreads::Work() {
  LowerPriority();
  while (absl::AnyInvocable<void()> work = Take()) work();
}

}  // namespace qconfig
