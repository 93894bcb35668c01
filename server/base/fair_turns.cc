// SPDX-License-Identifier: Apache-2.0
#include "server/base/fair_turns.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {
namespace {

// After this time, a computation lets others compute. What runs between two calls of Continue() comes on top.
constexpr absl::Duration kTime = absl::Milliseconds(10);

// Each large computation takes up to about 70 MiB. One tenant can use all processors, and leaves some for others.
constexpr size_t kLargeOfOthers = 6;
constexpr size_t kFirstLarge = 3;

FairQueue::Limits LimitsFor(size_t processors) {
  FairQueue::Limits limits;
  limits.turns = processors;
  limits.large_of_tenant = processors + 1;
  limits.large = limits.large_of_tenant + kLargeOfOthers;
  limits.first_large = kFirstLarge;
  return limits;
}

absl::Status NoTurn() {
  return absl::DeadlineExceededError("the deadline expired while the call waited for a processor");
}

}  // namespace

absl::Duration ThreadCpuTime() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::DurationFromTimespec(time);
}

// What the queue knows of a thread.
struct FairTurns::Turn::Waiter : FairQueue::Call {
  bool has_turn = false;
  bool is_large = false;
  absl::Duration began;  // in processor time of the thread
  SteadyCondVar begun;
};

void FairTurns::Turn::DeleteWaiter::operator()(Waiter* waiter) const { delete waiter; }

FairTurns::Turn& FairTurns::Turn::operator=(Turn&& other) noexcept {
  End();
  turns_ = other.turns_;
  waiter_ = std::move(other.waiter_);
  return *this;
}

FairTurns::FairTurns(size_t processors, Clock clock, std::function<absl::Duration()> cpu_time)
    : limits_(LimitsFor(processors)), clock_(std::move(clock)), cpu_time_(std::move(cpu_time)), queue_(limits_) {}

absl::StatusOr<FairTurns::Turn> FairTurns::Begin(absl::string_view tenant, absl::string_view caller,
                                                 absl::Duration deadline, const EarlierTurns& earlier) {
  Turn turn;
  std::unique_ptr<Waiter, Turn::DeleteWaiter> waiter(new Waiter());
  {
    absl::MutexLock lock(&mutex_);
    if (!queue_.Add(*waiter, tenant, caller, earlier)) {
      ++rejections_;
      return Error(v1::ERROR_REASON_OVERLOADED)
          .Tenant(tenant)
          .ToStatus("too many calls of the tenant wait for a processor; retry later");
    }
    if (absl::Status begun = Await(*waiter, deadline); !begun.ok()) return begun;
  }
  turn.turns_ = this;
  turn.waiter_ = std::move(waiter);
  return turn;
}

void FairTurns::Charge(absl::string_view tenant, absl::Duration used) {
  absl::MutexLock lock(&mutex_);
  queue_.Charge(tenant, used);
}

void FairTurns::StartNext() {
  while (FairQueue::Call* const next = queue_.Next()) {
    auto& waiter = static_cast<Waiter&>(*next);
    waiter.has_turn = true;
    waiter.begun.Signal();
  }
}

absl::Status FairTurns::Await(Waiter& waiter, absl::Duration deadline) {
  StartNext();
  while (!waiter.has_turn) {
    const absl::Duration left = deadline - clock_.Steady();
    if (left <= absl::ZeroDuration()) {
      queue_.Remove(waiter, absl::ZeroDuration());
      return NoTurn();
    }
    waiter.begun.WaitWithTimeout(&mutex_, left);
  }
  waiter.began = cpu_time_();
  return absl::OkStatus();
}

absl::Status FairTurns::AwaitAgain(Waiter& waiter, absl::Duration used, bool becomes_large, absl::Duration deadline) {
  waiter.has_turn = false;
  queue_.Requeue(waiter, used, becomes_large);
  return Await(waiter, deadline);
}

absl::Status FairTurns::Turn::Continue(absl::Duration deadline) {
  if (waiter_ == nullptr) return NoTurn();
  const absl::Duration used = turns_->cpu_time_() - waiter_->began;
  if (waiter_->is_large && used < kTime) return absl::OkStatus();
  absl::Status status;
  {
    absl::MutexLock lock(&turns_->mutex_);
    const bool becomes_large = !std::exchange(waiter_->is_large, true) && !turns_->queue_.MakeLarge(*waiter_);
    if (!becomes_large && used < kTime) return absl::OkStatus();
    status = turns_->AwaitAgain(*waiter_, used, becomes_large, deadline);
  }
  if (!status.ok()) waiter_ = nullptr;
  return status;
}

absl::Status FairTurns::Turn::ContinueWithNext(absl::Duration deadline) {
  if (waiter_ == nullptr) return NoTurn();
  const absl::Duration used = turns_->cpu_time_() - waiter_->began;
  if (!waiter_->is_large && used < kTime) return absl::OkStatus();
  absl::Status status;
  {
    absl::MutexLock lock(&turns_->mutex_);
    waiter_->is_large = false;
    turns_->queue_.MakeSmall(*waiter_);
    status = turns_->AwaitAgain(*waiter_, used, /*becomes_large=*/false, deadline);
  }
  if (!status.ok()) waiter_ = nullptr;
  return status;
}

bool FairTurns::Turn::is_large() const { return waiter_ != nullptr && waiter_->is_large; }

absl::Duration FairTurns::Turn::End() {
  if (waiter_ == nullptr) return absl::ZeroDuration();
  const absl::Duration used = turns_->cpu_time_() - waiter_->began;
  {
    absl::MutexLock lock(&turns_->mutex_);
    turns_->queue_.Remove(*waiter_, used);
    turns_->StartNext();
  }
  waiter_ = nullptr;
  return used;
}

size_t FairTurns::running() const {
  absl::MutexLock lock(&mutex_);
  return queue_.running();
}

size_t FairTurns::waiting() const {
  absl::MutexLock lock(&mutex_);
  return queue_.waiting();
}

int64_t FairTurns::rejections() const {
  absl::MutexLock lock(&mutex_);
  return rejections_;
}

}  // namespace qconfig
