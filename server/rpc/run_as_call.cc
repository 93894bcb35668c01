// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/run_as_call.h"

#include <utility>

#include "absl/synchronization/notification.h"
#include "core/error.h"
#include "server/base/counted.h"

namespace qconfig {
namespace {

// The result of work on other threads.
class Result {
 public:
  // Lets Wait() return when all copies are gone, also if the work was dropped.
  std::shared_ptr<Counted> Hold() {
    return std::make_shared<Counted>(Counted([this] { done_.Notify(); }));
  }
  void Set(absl::Status status) { status_ = std::move(status); }
  absl::Status Wait() {
    done_.WaitForNotification();
    return status_;
  }

 private:
  absl::Notification done_;
  absl::Status status_ = absl::UnavailableError("the server has stopped");
};

}  // namespace

absl::Status WaitForQueue(CallQueue& queue) {
  Result result;
  queue.Post([&result, held = result.Hold()] { result.Set(absl::OkStatus()); });
  return result.Wait();
}

absl::Status RunAsCall(CallQueue& queue, InFlightCalls& calls, const std::unique_ptr<WorkerThreads>& workers,
                       std::function<absl::Status()> work) {
  Result result;
  queue.Post([&, held = result.Hold()] {
    const absl::Status admitted = calls.Enter([] { return std::string("self-check"); }).status();
    if (!admitted.ok()) return result.Set(admitted);
    const bool runs = workers->Run([&result, held, work] { result.Set(work()); });
    if (!runs) result.Set(Error(v1::ERROR_REASON_OVERLOADED).ToStatus("the server cannot start a thread"));
  });
  return result.Wait();
}

}  // namespace qconfig
