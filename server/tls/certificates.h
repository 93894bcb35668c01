// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_TLS_CERTIFICATES_H_
#define QCONFIG_SERVER_TLS_CERTIFICATES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/event_log.h"
#include "server/base/files/pem_files.h"
#include "server/base/lasting_problem.h"

namespace qconfig {

// The server's certificate and key, and the CAs of client certificates. Checks the files for changes, and reloads all
// of them together if TLS can use them. Thread-safe, except for ReloadIfChanged().
class TlsCertificates {
 public:
  // Checks the files every `interval` on a separate thread; if it is infinite, only in ReloadIfChanged().
  // kFailedPrecondition: the files cannot be used now; the message says why. REQUIRES: `paths` has cert and key.
  static absl::StatusOr<std::shared_ptr<TlsCertificates>> Open(const PemPaths& paths, Clock clock, EventLog log,
                                                               absl::Duration interval = absl::Seconds(1));
  ~TlsCertificates();

  // Reloads the files if they have changed and can be used. Files that cannot be used are reported only at the second
  // check, because the files may be in the middle of being replaced. REQUIRES: no other thread checks the files.
  void ReloadIfChanged();

  // The current contents; a new object after each reload.
  std::shared_ptr<const PemContents> current() const ABSL_LOCKS_EXCLUDED(mutex_);
  // When the current certificate expires.
  absl::Time expiry() const ABSL_LOCKS_EXCLUDED(mutex_);
  bool has_client_ca() const { return !paths_.ca.empty(); }

  // The numbers of changes that were reloaded, and that could not be used.
  int64_t reloads_ok() const { return reloads_ok_; }
  int64_t reloads_failed() const { return reloads_failed_; }

 private:
  TlsCertificates(const PemPaths& paths, Clock clock, EventLog log);
  // Counts and logs `problem` when it is seen for the second time.
  void Report(const absl::Status& problem, const PemContents& contents);

  const PemPaths paths_;
  const Clock clock_;
  const EventLog log_;
  std::atomic<int64_t> reloads_ok_ = 0;
  std::atomic<int64_t> reloads_failed_ = 0;

  mutable absl::Mutex mutex_;
  std::shared_ptr<const PemContents> current_ ABSL_GUARDED_BY(mutex_);
  absl::Time expiry_ ABSL_GUARDED_BY(mutex_);

  LastingProblem<PemContents> problem_;  // used only by the thread that checks

  absl::Notification ended_;
  std::thread reloader_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_TLS_CERTIFICATES_H_
