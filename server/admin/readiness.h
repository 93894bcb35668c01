// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_ADMIN_READINESS_H_
#define QCONFIG_SERVER_ADMIN_READINESS_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/admin/self_check.h"
#include "server/base/clock.h"
#include "server/base/steady_cond_var.h"

namespace qconfig {

// Whether this server is ready for calls: it is serving, and its checks of itself succeed. Thread-safe.
class Readiness {
 public:
  struct Check {
    std::string name;                                    // one word, such as "writes"
    std::function<absl::Status()> run;                   // may block
    std::function<void(const absl::Status&)> on_change;  // called when it begins to fail, and when it succeeds again
  };

  explicit Readiness(Clock clock = Clock()) : clock_(std::move(clock)) {}
  ~Readiness() { Stop(); }

  // From now on, the server is ready whenever all `checks` succeed. Must be called once, by the owner.
  void Serve(const std::vector<Check>& checks) ABSL_LOCKS_EXCLUDED(mutex_);
  // From now on, the server is not ready, and no check begins.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);
  // The same, and waits for running checks. Later calls do nothing. Must be called by the owner.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // kUnavailable: the server is not ready; the message is one line that says what works and what does not. Never waits.
  absl::Status Ready() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The same for the check `name` alone. kNotFound: there is no such check.
  absl::Status Ready(absl::string_view name) const ABSL_LOCKS_EXCLUDED(mutex_);

  // The state of the check `name`; not OK if the server is not serving.
  SelfCheck::State StateOf(absl::string_view name) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class Phase { kStarting, kServing, kDraining };

  struct RunningCheck {
    RunningCheck(const Check& a_check, const Clock& clock) : check(a_check), runner(check.run, clock) {}

    const Check check;
    SelfCheck runner;
    bool was_ok = true;  // for ReportChanges()
  };

  // What does not depend on a check.
  absl::Status PhaseStatus() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Null: there is no such check.
  const SelfCheck* Find(absl::string_view name) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Tells the checks' listeners about changes until the server drains.
  void ReportChanges() ABSL_LOCKS_EXCLUDED(mutex_);

  const Clock clock_;
  mutable absl::Mutex mutex_;
  SteadyCondVar draining_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kStarting;
  std::vector<std::shared_ptr<RunningCheck>> checks_ ABSL_GUARDED_BY(mutex_);
  std::thread reporter_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_ADMIN_READINESS_H_
