// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_CALL_QUEUE_H_
#define QCONFIG_SERVER_CALL_QUEUE_H_

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

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

  // Runs `work` on the queue's thread. REQUIRES: Start() was called, and Stop() was not. Thread-safe.
  void Post(std::function<void()> work);

  // Whether users that end are to leave no successor. On the queue's thread only.
  bool stopping() const { return stopping_; }

  // Returns when there are no more users; at once when it was called before. REQUIRES: the server is shut down, and
  // nobody posts any more.
  void Stop();

 private:
  void Serve();

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
  bool started_ = false;
  int64_t users_ = 0;
  bool stopping_ = false;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_CALL_QUEUE_H_
