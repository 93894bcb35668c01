// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_TLS_CERTIFICATES_H_
#define QCONFIG_SERVER_TLS_CERTIFICATES_H_

#include <spdlog/logger.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/files/pem_files.h"

namespace qconfig {

// The server's certificate and key, and the authorities of its callers. Looks at the files again and again, and takes
// over what changed there as a whole, but only if TLS can work with it. Thread-safe, but for Look().
class TlsCertificates {
 public:
  // Looks at the files `every` so often in a thread of its own, or only when Look() is called if that is infinite.
  // kFailedPrecondition, with a sentence, when they cannot be used as they are now. REQUIRES: `paths` has cert and key.
  static absl::StatusOr<std::shared_ptr<TlsCertificates>> Open(const PemPaths& paths, Clock clock,
                                                               std::shared_ptr<spdlog::logger> log,
                                                               absl::Duration every = absl::Seconds(1));
  ~TlsCertificates();

  // Takes over what is in the files, when that is new and can be used. What cannot is reported when it is still there
  // at the next look, because files are not replaced all at once. REQUIRES: nobody else looks at the same time.
  void Look();

  // What is to be served now: another object after each change.
  std::shared_ptr<const PemContents> current() const ABSL_LOCKS_EXCLUDED(mutex_);
  // When the certificate in it expires.
  absl::Time expiry() const ABSL_LOCKS_EXCLUDED(mutex_);
  bool asks_callers() const { return !paths_.ca.empty(); }

  // Changes that were taken over, and those that were not.
  int64_t reloads_ok() const { return reloads_ok_; }
  int64_t reloads_failed() const { return reloads_failed_; }

 private:
  TlsCertificates(const PemPaths& paths, Clock clock, std::shared_ptr<spdlog::logger> log);
  // Counts and logs `problem`, unless that was done or it is seen for the first time.
  void Report(const absl::Status& problem, const PemContents& contents);

  const PemPaths paths_;
  const Clock clock_;
  const std::shared_ptr<spdlog::logger> log_;
  std::atomic<int64_t> reloads_ok_ = 0;
  std::atomic<int64_t> reloads_failed_ = 0;

  mutable absl::Mutex mutex_;
  std::shared_ptr<const PemContents> current_ ABSL_GUARDED_BY(mutex_);
  absl::Time expiry_ ABSL_GUARDED_BY(mutex_);

  // What could not be used at the last look, for whoever looks.
  struct Suspect {
    PemContents contents;  // empty when they cannot be read
    absl::Status problem;
    bool reported;
  };
  std::optional<Suspect> suspect_;

  absl::Notification ended_;
  std::thread looker_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_TLS_CERTIFICATES_H_
