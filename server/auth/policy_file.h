// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_POLICY_FILE_H_
#define QCONFIG_SERVER_AUTH_POLICY_FILE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "server/auth/audit_log.h"
#include "server/auth/policy.h"
#include "server/base/clock.h"
#include "server/base/event_log.h"
#include "server/base/lasting_problem.h"

namespace qconfig {

// A policy, and the text of each file from which it was read, by path.
struct LoadedPolicy {
  std::shared_ptr<const Policy> policy;
  std::map<std::string, std::string> files;
  std::string digest;  // of the files: hexadecimal SHA-256 of the policy, followed by the others in the order of paths
};

// Reads the policy at `path` and the key files that it names, whose paths are relative to its directory.
// kFailedPrecondition: a file cannot be read or used; the message names it, and has one line for each mistake.
absl::StatusOr<LoadedPolicy> LoadPolicy(const std::string& path);

// Checks the files of a policy for changes, and replaces the policy as a whole if they can be used. Thread-safe, except
// for ReloadIfChanged().
class PolicyFile {
 public:
  using OnChange = std::function<void(std::shared_ptr<const Policy>)>;

  // A removed credential is accepted for as long as this and the time of a reload.
  static constexpr absl::Duration kInterval = absl::Seconds(1);

  // Passes the policy to `on_change`, now and after each reload. Checks the files every `interval` on a separate
  // thread; if it is infinite, only in ReloadIfChanged(). `audit_log`, if not null, has a line for each policy that was
  // loaded or rejected. The errors are those of LoadPolicy().
  static absl::StatusOr<std::unique_ptr<PolicyFile>> Open(const std::string& path, Clock clock, EventLog log,
                                                          OnChange on_change, absl::Duration interval = kInterval,
                                                          std::shared_ptr<AuditLog> audit_log = nullptr);
  ~PolicyFile();

  // Reloads the files if they have changed, do not change while they are read, and can be used. Otherwise the policy
  // stays; the problem is reported at the second check. REQUIRES: no other thread checks the files.
  void ReloadIfChanged();

  // When the current policy was loaded.
  absl::Time loaded() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether the last check found files that are those of the current policy. False: they differ, and cannot be used.
  bool usable() const { return usable_; }
  // The numbers of changes that were loaded, and that could not be used.
  int64_t reloads_ok() const { return reloads_ok_; }
  int64_t reloads_failed() const { return reloads_failed_; }

 private:
  PolicyFile(std::string path, Clock clock, EventLog log, OnChange on_change, std::shared_ptr<AuditLog> audit_log);

  void Use(LoadedPolicy loaded) ABSL_LOCKS_EXCLUDED(mutex_);
  void Reject(const absl::Status& problem);

  const std::string path_;
  const Clock clock_;
  const EventLog log_;
  const OnChange on_change_;
  const std::shared_ptr<AuditLog> audit_log_;  // null: none
  std::atomic<bool> usable_ = true;
  std::atomic<int64_t> reloads_ok_ = 0;
  std::atomic<int64_t> reloads_failed_ = 0;

  mutable absl::Mutex mutex_;
  absl::Time loaded_ ABSL_GUARDED_BY(mutex_);

  // Used only by the thread that checks.
  std::map<std::string, std::string> files_;
  LastingProblem<std::string> problem_;

  absl::Notification ended_;
  std::thread reloader_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_POLICY_FILE_H_
