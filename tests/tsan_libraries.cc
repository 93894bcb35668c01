// SPDX-License-Identifier: Apache-2.0
//
// Only in builds with ThreadSanitizer: tells it when abseil's mutexes are locked and unlocked, and when gRPC passes an
// object from one thread to another. The system's libraries are not instrumented, so everything that an absl::Mutex
// guards would be reported as a race. These definitions replace the libraries' own, also for calls from within the
// libraries, and call them.
//
// Conditions run in whichever thread unlocks the mutex. ThreadSanitizer cannot be told this, so it misses races in
// them.
#include <dlfcn.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>
#include <sanitizer/tsan_interface.h>

#include <cstdio>
#include <cstdlib>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);

namespace {

template <typename Function>
Function* Next(const char* symbol) {
  void* found = dlsym(RTLD_NEXT, symbol);
  if (found == nullptr) {
    std::fprintf(stderr, "no library has %s; tests/tsan_libraries.cc needs the names that it has\n", symbol);
    std::abort();
  }
  return reinterpret_cast<Function*>(found);
}

}  // namespace

// gRPC answers unknown methods and health watchers with templates that run partly in its library, which is not
// instrumented. They call no code of this project, and this project uses no such reactor.
extern "C" const char* __tsan_default_suppressions() {
  return "race:grpc::internal::CallbackBidiHandler\n"
         "race:grpc::ServerWriteReactor<grpc::ByteBuffer>\n";
}

// The names are those of Debian 12's abseil. They are looked up once; concurrent lookups find the same.
#define NEXT_OF(symbol, ...) static const auto next = Next<__VA_ARGS__>(symbol)

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  NEXT_OF("_ZN4absl7debian35Mutex4LockEv", void(Mutex*));
  next(this);
  __tsan_acquire(this);
}

void Mutex::Unlock() {
  NEXT_OF("_ZN4absl7debian35Mutex6UnlockEv", void(Mutex*));
  __tsan_release(this);
  next(this);
}

bool Mutex::TryLock() {
  NEXT_OF("_ZN4absl7debian35Mutex7TryLockEv", bool(Mutex*));
  if (!next(this)) return false;
  __tsan_acquire(this);
  return true;
}

void Mutex::ReaderLock() {
  NEXT_OF("_ZN4absl7debian35Mutex10ReaderLockEv", void(Mutex*));
  next(this);
  __tsan_acquire(this);
}

void Mutex::ReaderUnlock() {
  NEXT_OF("_ZN4absl7debian35Mutex12ReaderUnlockEv", void(Mutex*));
  __tsan_release(this);
  next(this);
}

void Mutex::LockWhen(const Condition& condition) {
  NEXT_OF("_ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE", void(Mutex*, const Condition&));
  next(this, condition);
  __tsan_acquire(this);
}

// All Await...() functions call this one.
bool Mutex::AwaitCommon(const Condition& condition, synchronization_internal::KernelTimeout timeout) {
  NEXT_OF("_ZN4absl7debian35Mutex11AwaitCommonERKNS0_9ConditionENS0_24synchronization_internal13KernelTimeoutE",
          bool(Mutex*, const Condition&, synchronization_internal::KernelTimeout));
  __tsan_release(this);
  const bool is_true = next(this, condition, timeout);
  __tsan_acquire(this);
  return is_true;
}

bool Condition::Eval() const {
  NEXT_OF("_ZNK4absl7debian39Condition4EvalEv", bool(const Condition*));
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  const bool is_true = next(this);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  return is_true;
}

bool CondVar::WaitCommon(Mutex* mutex, synchronization_internal::KernelTimeout timeout) {
  NEXT_OF("_ZN4absl7debian37CondVar10WaitCommonEPNS0_5MutexENS0_24synchronization_internal13KernelTimeoutE",
          bool(CondVar*, Mutex*, synchronization_internal::KernelTimeout));
  __tsan_release(mutex);
  const bool timed_out = next(this, mutex, timeout);
  __tsan_acquire(mutex);
  return timed_out;
}

void Notification::Notify() {
  NEXT_OF("_ZN4absl7debian312Notification6NotifyEv", void(Notification*));
  __tsan_release(this);
  next(this);
}

void Notification::WaitForNotification() const {
  NEXT_OF("_ZNK4absl7debian312Notification19WaitForNotificationEv", void(const Notification*));
  next(this);
  __tsan_acquire(const_cast<Notification*>(this));
}

ABSL_NAMESPACE_END
}  // namespace absl

// What a thread did before it started a batch has happened before another thread gets its tag from the queue.

extern "C" grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops, size_t count, void* tag,
                                                 void* reserved) {
  NEXT_OF("grpc_call_start_batch", grpc_call_error(grpc_call*, const grpc_op*, size_t, void*, void*));
  __tsan_release(tag);
  return next(call, ops, count, tag, reserved);
}

extern "C" grpc_event grpc_completion_queue_next(grpc_completion_queue* queue, gpr_timespec deadline, void* reserved) {
  NEXT_OF("grpc_completion_queue_next", grpc_event(grpc_completion_queue*, gpr_timespec, void*));
  const grpc_event event = next(queue, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

// A slice is destroyed after it was made, and by any thread.
extern "C" grpc_slice grpc_slice_new_with_user_data(void* bytes, size_t size, void (*destroy)(void*), void* data) {
  NEXT_OF("grpc_slice_new_with_user_data", grpc_slice(void*, size_t, void (*)(void*), void*));
  struct User {
    void (*destroy)(void*);
    void* data;
  };
  auto* const made = new User{destroy, data};
  __tsan_release(made);
  const auto destroy_made = [](void* user) {
    __tsan_acquire(user);
    const User copy = *static_cast<User*>(user);
    delete static_cast<User*>(user);
    copy.destroy(copy.data);
  };
  return next(bytes, size, destroy_made, made);
}
