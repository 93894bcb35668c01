// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/call_queue.h"

#include <utility>

namespace qconfig {

CallQueue::CallQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue) : queue_(std::move(queue)) {}

CallQueue::~CallQueue() {
  if (started_) return;
  // gRPC requires this even if the queue was never used.
  queue_->Shutdown();
  Serve();
}

void CallQueue::Start() {
  thread_ = std::thread([this] { Serve(); });
  started_ = true;
}

void CallQueue::Post(std::function<void()> work) {
  absl::MutexLock lock(&mutex_);
  if (!stopped_) PostLocked(std::move(work));
}

void CallQueue::PostLocked(std::function<void()> work) {
  posted_.push_back(std::move(work));
  // A time in the past needs no timer of gRPC. Those stand still after the wall clock is set back, because they wait
  // with absl::CondVar, see SteadyCondVar.
  if (!std::exchange(is_waking_, true)) alarm_.Set(queue_.get(), gpr_inf_past(GPR_CLOCK_MONOTONIC), &woken_);
}

void CallQueue::RunPosted(bool) {
  std::vector<std::function<void()>> posted;
  {
    absl::MutexLock lock(&mutex_);
    is_waking_ = false;
    posted.swap(posted_);
  }
  for (const auto& work : posted) work();
}

void CallQueue::Stop() {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mutex_);
    PostLocked([this] { stopping_ = true; });
    stopped_ = true;
  }
  thread_.join();
}

void CallQueue::Serve() {
  void* tag = nullptr;
  bool ok = false;
  bool shut_down = false;
  while (queue_->Next(&tag, &ok)) {
    static_cast<Tag*>(tag)->Done(ok);
    // Users may still start operations, and gRPC aborts if that happens on a queue that is shut down.
    if (stopping_ && users_ == 0 && !std::exchange(shut_down, true)) queue_->Shutdown();
  }
}

}  // namespace qconfig
