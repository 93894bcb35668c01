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

// A completion queue of a server, and the one thread that serves it. What runs on this thread must never wait.
class CallQueue {
 public:
  // A tag for gRPC: what it stands for was done, or failed when not `ok`.
  class Tag {
   public:
    virtual void Done(bool ok) = 0;

   protected:
    ~Tag() = default;
  };

  // A tag that calls a function of the object that it is part of.
  template <typename Owner, void (Owner::*function)(bool ok)>
  class TagOf final : public Tag {
   public:
    explicit TagOf(Owner& owner) : owner_(owner) {}
    void Done(bool ok) override { (owner_.*function)(ok); }

   private:
    Owner& owner_;
  };

  // Keeps the queue open as long as it lives: to be part of whatever uses the queue. To be made before Start() or on
  // the queue's thread, and to end there.
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

  // REQUIRES: Stop() was called, or Start() was not and there are no users.
  ~CallQueue();

  grpc::ServerCompletionQueue* get() const { return queue_.get(); }

  void Start();

  // Runs `work` on the queue's thread; never when Stop() was called before. REQUIRES: Start() was called. Thread-safe.
  void Post(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether users that end are to leave no successor. On the queue's thread only.
  bool stopping() const { return stopping_; }

  // Returns when there are no more users; at once when it was called before. REQUIRES: the server is shut down.
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

  TagOf<CallQueue, &CallQueue::RunPosted> rung_{*this};
  absl::Mutex mutex_;
  grpc::Alarm bell_ ABSL_GUARDED_BY(mutex_);  // wakes the queue's thread when something was posted
  bool is_ringing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> posted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_CALL_QUEUE_H_
