// SPDX-License-Identifier: Apache-2.0
#include "server/app/shutdown_signals.h"

#include <csignal>
#include <thread>
#include <utility>

namespace qconfig {
namespace {

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void BlockShutdownSignals() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void UnblockShutdownSignals() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void PassShutdownSignalsTo(std::shared_ptr<ShutdownRequest> request) {
  std::thread([request = std::move(request)] {
    const sigset_t signals = Signals();
    while (true) {
      int signal = 0;
      if (sigwait(&signals, &signal) != 0) continue;
      request->Request(signal == SIGTERM ? ShutdownCause::kSigterm : ShutdownCause::kSigint);
    }
  }).detach();
}

}  // namespace qconfig
