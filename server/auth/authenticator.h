// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_AUTHENTICATOR_H_
#define QCONFIG_SERVER_AUTH_AUTHENTICATOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/auth/policy.h"
#include "server/base/clock.h"
#include "server/base/lru_cache.h"

namespace qconfig {

// What a call has to show who makes it. A token takes precedence over a certificate; their grants never add up.
struct Credentials {
  absl::InlinedVector<absl::string_view, 1> authorization;  // the values of this metadata key: "Bearer <token>"
  PeerCertificate certificate;                              // may be empty if there is a token
};

// Finds out who makes a call, by the current policy. Remembers up to 10,000 callers, and up to 16 MiB of their
// credentials, because a hash or a signature takes long; then forgets those that called least recently. Thread-safe.
class Authenticator {
 public:
  explicit Authenticator(Clock clock);

  // Replaces the policy. Calls that begin later are checked against it. Before the first policy, nobody may call.
  void SetPolicy(std::shared_ptr<const Policy> policy) ABSL_LOCKS_EXCLUDED(mutex_);

  // The caller, if Authenticate() found the same credentials valid before, and still would. Null: call Authenticate().
  std::shared_ptr<const Caller> FindKnown(const Credentials& credentials) const ABSL_LOCKS_EXCLUDED(mutex_);

  // The name of the principal that called with these credentials before, by this policy or an earlier one. So limits
  // for callers count a caller as the same one across a change of the policy. Proves nothing: such credentials may have
  // expired or been revoked. Empty: it is not known, or was anonymous.
  std::string FindName(const Credentials& credentials) const ABSL_LOCKS_EXCLUDED(mutex_);

  // CREDENTIALS_MISSING: there are none, and the policy requires some. CREDENTIALS_INVALID: then, for logs, sets
  // `claimed`, if it is not null, to what is known about them.
  absl::StatusOr<std::shared_ptr<const Caller>> Authenticate(const Credentials& credentials, Caller* claimed = nullptr)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  static constexpr size_t kMaxKnown = 10'000;
  static constexpr size_t kMaxKnownBytes = size_t{16} << 20;

  // A caller whom Authenticate() found.
  struct Known {
    std::shared_ptr<const Caller> caller;
    int64_t policy;  // the number of the policy by which it was found
  };

  absl::StatusOr<Caller> Find(const Policy& policy, const Credentials& credentials, Caller* claimed) const;

  const Clock clock_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Policy> policy_ ABSL_GUARDED_BY(mutex_);
  int64_t policies_ ABSL_GUARDED_BY(mutex_) = 0;                           // so far
  mutable LruCache<Known> known_ ABSL_GUARDED_BY(mutex_){kMaxKnownBytes};  // by credentials
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_AUTHENTICATOR_H_
