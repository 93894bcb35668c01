// SPDX-License-Identifier: Apache-2.0
#include "server/app/shutdown_signals.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/app/serve.h"
#include "server/observe/log.h"

namespace qconfig {
namespace {

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

const char* NameOf(int signal) { return signal == SIGTERM ? "SIGTERM" : "SIGINT"; }

// `si_signo` is 0 when none came until `end`.
siginfo_t WaitForSignal(absl::Time end) {
  const sigset_t signals = Signals();
  while (true) {
    const timespec left = absl::ToTimespec(std::max(end - absl::Now(), absl::ZeroDuration()));
    siginfo_t info = {};
    const int signal =
        end == absl::InfiniteFuture() ? sigwaitinfo(&signals, &info) : sigtimedwait(&signals, &info, &left);
    if (signal > 0) return info;
    if (errno == EAGAIN) return {};
  }
}

// Like that, but without those of the process itself, which may lose its port while it ends already.
int WaitForSecondSignal(absl::Time end) {
  while (true) {
    const siginfo_t info = WaitForSignal(end);
    if (info.si_signo == 0 || info.si_pid != getpid()) return info.si_signo;
  }
}

}  // namespace

struct ShutdownSignals::State {
  absl::Mutex mutex;
  std::shared_ptr<InFlightCalls> in_flight_calls ABSL_GUARDED_BY(mutex);  // null: nothing is served yet
  int first ABSL_GUARDED_BY(mutex) = 0;
};

void ShutdownSignals::Block() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void ShutdownSignals::Unblock() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

ShutdownSignals::ShutdownSignals(std::shared_ptr<spdlog::logger> log, absl::Duration max_ending)
    : state_(std::make_shared<State>()) {
  std::thread([state = state_, log = std::move(log), max_ending] {
    const int first = WaitForSignal(absl::InfiniteFuture()).si_signo;
    std::shared_ptr<InFlightCalls> calls;
    {
      absl::MutexLock lock(&state->mutex);
      state->first = first;
      calls = state->in_flight_calls;
    }
    if (calls == nullptr) {
      log->info("ended on {} before anything was served", NameOf(first));
      ExitAfterLog(kEnded);
    }
    const int second = WaitForSecondSignal(absl::Now() + max_ending);
    const size_t running = calls->running();
    const char* const slow = running == 0 ? "the storage does not close" : "calls that were cancelled do not end";
    log->warn("{}: ending at once, {} calls run", second == 0 ? slow : "a second signal", running);
    if (GrpcPortLost()) ExitAfterLog(kCannotStart);
    ExitAfterLog(running == 0 ? kEnded : kCallsCancelled);
  }).detach();
}

void ShutdownSignals::Watch(std::shared_ptr<InFlightCalls> in_flight_calls) {
  absl::MutexLock lock(&state_->mutex);
  state_->in_flight_calls = std::move(in_flight_calls);
}

int ShutdownSignals::Wait() {
  absl::MutexLock lock(&state_->mutex);
  const auto came = [this]() ABSL_SHARED_LOCKS_REQUIRED(state_->mutex) { return state_->first != 0; };
  state_->mutex.Await(absl::Condition(&came));
  return state_->first;
}

}  // namespace qconfig
