// SPDX-License-Identifier: Apache-2.0
#include "server/admin/readiness.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace qconfig {

void Readiness::Serve(const std::vector<Check>& checks) {
  const absl::MutexLock lock(&mutex_);
  if (phase_ != Phase::kStarting) return;
  phase_ = Phase::kServing;
  for (const Check& check : checks) checks_.push_back(std::make_shared<RunningCheck>(check, clock_));
  reporter_ = std::thread([this] { ReportChanges(); });
}

void Readiness::Drain() {
  const absl::MutexLock lock(&mutex_);
  phase_ = Phase::kDraining;
  for (const auto& running : checks_) running->runner.End();
  draining_.SignalAll();
}

void Readiness::Stop() {
  Drain();
  if (reporter_.joinable()) reporter_.join();
  std::vector<std::shared_ptr<RunningCheck>> checks;  // destroyed without the lock
  const absl::MutexLock lock(&mutex_);
  checks.swap(checks_);
}

void Readiness::ReportChanges() {
  constexpr absl::Duration kPause = absl::Milliseconds(50);
  while (true) {
    std::vector<std::shared_ptr<RunningCheck>> checks;  // the listeners are called without the lock
    {
      const absl::MutexLock lock(&mutex_);
      const auto is_draining = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return phase_ == Phase::kDraining; };
      if (draining_.AwaitWithTimeout(&mutex_, is_draining, kPause)) return;
      checks = checks_;
    }
    for (const auto& running : checks) {
      const SelfCheck::State state = running->runner.state();
      if (!state.is_known || state.status.ok() == running->was_ok) continue;
      running->was_ok = state.status.ok();
      running->check.on_change(state.status);
    }
  }
}

absl::Status Readiness::PhaseStatus() const {
  if (phase_ == Phase::kStarting) return absl::UnavailableError("starting");
  if (phase_ == Phase::kDraining) return absl::UnavailableError("draining");
  return absl::OkStatus();
}

const SelfCheck* Readiness::Find(absl::string_view name) const {
  for (const auto& running : checks_) {
    if (running->check.name == name) return &running->runner;
  }
  return nullptr;
}

absl::Status Readiness::Ready() const {
  const absl::MutexLock lock(&mutex_);
  if (absl::Status phase = PhaseStatus(); !phase.ok()) return phase;
  std::vector<std::string> failing;
  std::vector<std::string> ok;
  for (const auto& running : checks_) {
    const absl::Status status = running->runner.state().status;
    if (status.ok()) {
      ok.push_back(running->check.name);
    } else {
      failing.push_back(absl::StrCat(running->check.name, ": ", status.message()));
    }
  }
  if (failing.empty()) return absl::OkStatus();
  if (!ok.empty()) failing.push_back(absl::StrCat("ok: ", absl::StrJoin(ok, ", ")));
  return absl::UnavailableError(absl::StrJoin(failing, "; "));
}

absl::Status Readiness::Ready(absl::string_view name) const {
  const absl::MutexLock lock(&mutex_);
  if (absl::Status phase = PhaseStatus(); !phase.ok()) return phase;
  const SelfCheck* const check = Find(name);
  if (check == nullptr) return absl::NotFoundError("");
  const absl::Status status = check->state().status;
  return status.ok() ? status : absl::UnavailableError(absl::StrCat(name, ": ", status.message()));
}

SelfCheck::State Readiness::StateOf(absl::string_view name) const {
  const absl::MutexLock lock(&mutex_);
  SelfCheck::State state;
  if (const SelfCheck* const check = Find(name); check != nullptr) state = check->state();
  if (const absl::Status phase = PhaseStatus(); !phase.ok()) state.status = phase;
  return state;
}

}  // namespace qconfig
