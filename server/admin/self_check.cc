// SPDX-License-Identifier: Apache-2.0
#include "server/admin/self_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

// One failure does not count: a load balancer should not react to a hiccup. Two in a row do, after half a second.
constexpr absl::Duration kPause = absl::Milliseconds(250);
constexpr int64_t kResults = 4;
constexpr int kAllowedFailures = 1;
constexpr absl::Duration kMaxTime = absl::Seconds(1);

absl::Status TookTooLong(absl::Duration time) {
  return absl::UnavailableError(absl::StrCat("no answer for ", absl::ToInt64Milliseconds(time), " ms"));
}

}  // namespace

SelfCheck::SelfCheck(std::function<absl::Status()> run, Clock clock)
    : run_(std::move(run)), clock_(std::move(clock)), thread_([this] { Run(); }) {}

SelfCheck::~SelfCheck() {
  End();
  thread_.join();
}

void SelfCheck::End() {
  const absl::MutexLock lock(&mutex_);
  ending_ = true;
  ended_.SignalAll();
}

void SelfCheck::Run() {
  while (true) {
    const absl::Duration began = clock_.Steady();
    {
      const absl::MutexLock lock(&mutex_);
      if (ending_) return;
      running_since_ = began;
    }
    absl::Status status = run_();
    const absl::MutexLock lock(&mutex_);
    Record(std::move(status), began);
    const auto is_ending = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ending_; };
    ended_.AwaitWithTimeout(&mutex_, is_ending, kPause);
  }
}

void SelfCheck::Record(absl::Status status, absl::Duration began) {
  last_time_ = clock_.Steady() - began;
  running_since_.reset();
  if (status.ok() && last_time_ > kMaxTime) status = TookTooLong(last_time_);
  // A check that took long stands for those that could not run meanwhile. The first stands for all.
  const int64_t pauses = last_time_ / kPause;
  const auto count = static_cast<unsigned>(has_result_ ? std::min(kResults, 1 + pauses) : kResults);
  has_result_ = true;
  failed_ <<= count;
  if (!status.ok()) {
    failed_ |= (1U << count) - 1;
    ++failures_;
    constexpr size_t kMaxChars = 512;
    last_failure_ = absl::UnavailableError(Printable(status.message(), kMaxChars));
  }
  failed_ &= (1U << kResults) - 1;
}

SelfCheck::State SelfCheck::state() const {
  const absl::MutexLock lock(&mutex_);
  State state{has_result_, absl::OkStatus(), failures_, last_time_};
  const absl::Duration running = running_since_.has_value() ? clock_.Steady() - *running_since_ : absl::ZeroDuration();
  state.time = std::max(state.time, running);
  if (running > kMaxTime) {
    state.is_known = true;
    state.status = TookTooLong(running);
  } else if (!has_result_) {
    state.status = absl::UnavailableError("not checked yet");
  } else if (__builtin_popcount(failed_) > kAllowedFailures) {
    state.status = last_failure_;
  }
  return state;
}

}  // namespace qconfig
