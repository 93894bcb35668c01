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

// Limits the lines about each peer to a few in a second, and counts the others. Remembers at most kMaxPeers peers;
// further ones count as one, "other". Thread-safe.
class RejectionLimit {
 public:
  static constexpr int64_t kLines = 10;  // of a peer in a period
  static constexpr absl::Duration kPeriod = absl::Seconds(1);
  static constexpr size_t kMaxPeers = 1000;

  // Whether a line about `peer` may be written at the steady time `now`. If not, counts it.
  bool Admit(const std::string& peer, absl::Duration now) ABSL_LOCKS_EXCLUDED(mutex_);

  // The peers whose period has ended at `now`, and the number of their lines that were left out, if there are any.
  // Forgets these peers.
  std::vector<std::pair<std::string, int64_t>> TakeLeftOut(absl::Duration now) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Lines {
    absl::Duration start;  // of the period
    int64_t count = 0;     // in the period, with those left out
  };

  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Lines> peers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_REJECTION_LIMIT_H_
