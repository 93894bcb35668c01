// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_CALL_QUEUE_H_
#define QCONFIG_SERVER_RPC_CALL_QUEUE_H_

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace qconfig {

// A completion queue of a server, and the one thread that serves it. Nothing that runs on this thread may block.
class CallQueue {
 public:
  // A tag for gRPC, which returns it when an operation has succeeded (`ok`) or failed.
  class Tag {
   public:
    virtual void Done(bool ok) = 0;

   protected:
    ~Tag() = default;
  };

  // A tag that calls a member function of its owner.
  template <typename Owner, void (Owner::*function)(bool ok)>
  class TagOf final : public Tag {
   public:
    explicit TagOf(Owner& owner) : owner_(owner) {}
    void Done(bool ok) override { (owner_.*function)(ok); }

   private:
    Owner& owner_;
  };

  // Keeps the queue open while it lives; part of every object that uses the queue. Created before Start() or on the
  // queue's thread, and destroyed there.
  class User {
   public:
    explicit User(CallQueue& queue) : queue_(queue) { ++queue.users_; }
    ~User() { --queue_.users_; }
    User(const User&) = delete;
    User& operator=(const User&) = delete;

   private:
    CallQueue& queue_;
  };

  explicit CallQueue(std::unique_ptr<grpc::ServerCompletionQueue> queue);

  // REQUIRES: Stop() was called; or Start() was not called and there are no users.
  ~CallQueue();

  grpc::ServerCompletionQueue* get() const { return queue_.get(); }

  void Start();

  // Runs `work` on the queue's thread. Does nothing after Stop(). REQUIRES: Start() was called. Thread-safe.
  void Post(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether users that end must not create new ones. On the queue's thread only.
  bool stopping() const { return stopping_; }

  // Waits until there are no users. Returns at once if it was called before. REQUIRES: the server is shut down.
  void Stop();

 private:
  void Serve();
  void PostLocked(std::function<void()> work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunPosted(bool) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
  bool started_ = false;
  int64_t users_ = 0;
  bool stopping_ = false;

  TagOf<CallQueue, &CallQueue::RunPosted> woken_{*this};
  absl::Mutex mutex_;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mutex_);  // wakes the queue's thread when work was posted
  bool is_waking_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> posted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_CALL_QUEUE_H_
