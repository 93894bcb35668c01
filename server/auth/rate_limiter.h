// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_RATE_LIMITER_H_
#define QCONFIG_SERVER_AUTH_RATE_LIMITER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/principal.h"

namespace qconfig {

// Limits how often principals call, with a token bucket for the calls and one for the writes of each principal. A
// policy that replaces another applies to buckets as they are; one with lower limits leaves them full at most. Callers
// without credentials have buckets by host. Thread-safe.
class RateLimiter {
 public:
  explicit RateLimiter(Clock clock = Clock()) : clock_(std::move(clock)) {}

  // Counts a call of `principal` from `peer`. RATE_LIMITED: it exceeds the limits of the principal; it does not
  // count, and the error says when it is allowed. If the limits are permissive, it is only counted as an excess.
  absl::Status Take(const Principal& principal, const std::string& peer, bool is_write) ABSL_LOCKS_EXCLUDED(mutex_);

  // The same for a call that Take() decides about if this returns false. Then it counts nothing.
  bool TakeIfAllowed(const Principal& principal, const std::string& peer, bool is_write) ABSL_LOCKS_EXCLUDED(mutex_);

  // The calls that were rejected, and those that would have been if their limits were not permissive.
  int64_t rejected() const ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t tolerated() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Calls that have been made recently. It empties at the rate of the limit, and a call needs room for one.
  struct Bucket {
    double level = 0;
    absl::Duration updated;   // steady time
    absl::Duration is_empty;  // steady time at which it is empty
  };
  struct Buckets {
    Bucket calls;
    Bucket writes;
  };
  struct Excess {
    absl::Duration wait;     // until the call is allowed; 0: it is
    bool of_writes = false;  // whether the limit on writes is exceeded, rather than that on calls
  };

  // Counts the call if it is allowed or `principal` has permissive limits.
  Excess Count(const Principal& principal, const std::string& peer, bool is_write)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Buckets& BucketsOf(const Principal& principal, const std::string& peer, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock clock_;
  mutable absl::Mutex mutex_;
  absl::node_hash_map<std::string, Buckets> buckets_ ABSL_GUARDED_BY(mutex_);
  size_t cleanup_size_ ABSL_GUARDED_BY(mutex_) = 64;     // the number of buckets that starts a cleanup
  absl::Duration next_cleanup_ ABSL_GUARDED_BY(mutex_);  // steady time, if there are too many buckets
  int64_t rejected_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t tolerated_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_RATE_LIMITER_H_
