// SPDX-License-Identifier: Apache-2.0
#include "server/call_queue.h"

#include <utility>

namespace qconfig {
namespace {

// Some work on its way to the queue's thread.
struct Posted final : CallQueue::Tag {
  void Done(bool) override {
    work();
    delete this;
  }

  grpc::Alarm alarm;
  std::function<void()> work;
};

}  // namespace

CallQueue::CallQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue) : queue_(std::move(queue)) {}

CallQueue::~CallQueue() {
  if (started_) return;
  // gRPC wants it so also when nothing was ever on the queue.
  queue_->Shutdown();
  Serve();
}

void CallQueue::Start() {
  started_ = true;
  thread_ = std::thread([this] { Serve(); });
}

void CallQueue::Post(std::function<void()> work) {
  auto* const posted = new Posted;
  posted->work = std::move(work);
  posted->alarm.Set(queue_.get(), gpr_now(GPR_CLOCK_MONOTONIC), static_cast<CallQueue::Tag*>(posted));
}

void CallQueue::Stop() {
  if (!thread_.joinable()) return;
  Post([this] { stopping_ = true; });
  thread_.join();
}

void CallQueue::Serve() {
  void* tag = nullptr;
  bool ok = false;
  bool shut_down = false;
  while (queue_->Next(&tag, &ok)) {
    static_cast<Tag*>(tag)->Done(ok);
    // Before the last user ends something could still be put on the queue, and gRPC aborts when that comes too late.
    if (stopping_ && users_ == 0 && !std::exchange(shut_down, true)) queue_->Shutdown();
  }
}

}  // namespace qconfig
