// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_REJECTION_LIMIT_H_
#define QCONFIG_SERVER_AUTH_REJECTION_LIMIT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace qconfig {

// Who causes rejections. A front makes many principals one host.
struct RejectionSource {
  std::string host;       // as of HostOf()
  std::string principal;  // empty: unknown

  bool operator==(const RejectionSource& other) const { return host == other.host && principal == other.principal; }
  template <typename H>
  friend H AbslHashValue(H hash, const RejectionSource& source) {
    return H::combine(std::move(hash), source.host, source.principal);
  }
};

// Limits the lines about each source to a few in a second, and those about all sources together, and counts the others.
// Remembers at most kMaxSources; further ones count as one, the host "other". Thread-safe.
class RejectionLimit {
 public:
  static constexpr int64_t kLines = 10;      // of a source in a period
  static constexpr int64_t kAllLines = 100;  // of all sources in a period
  static constexpr absl::Duration kPeriod = absl::Seconds(1);
  static constexpr size_t kMaxSources = 1000;

  // Whether a line about `source` may be written at the steady time `now`. If not, counts it.
  bool Admit(const RejectionSource& source, absl::Duration now) ABSL_LOCKS_EXCLUDED(mutex_);

  // The sources whose period has ended at `now`, and the number of their lines that were left out, if there are any.
  // Forgets these sources.
  std::vector<std::pair<RejectionSource, int64_t>> TakeLeftOut(absl::Duration now) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Lines {
    absl::Duration start;  // of the period
    int64_t written = 0;   // in the period
    int64_t left_out = 0;
  };

  absl::Mutex mutex_;
  absl::flat_hash_map<RejectionSource, Lines> sources_ ABSL_GUARDED_BY(mutex_);
  Lines all_ ABSL_GUARDED_BY(mutex_) = {-absl::InfiniteDuration()};
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_REJECTION_LIMIT_H_
