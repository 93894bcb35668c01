// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_DAMAGE_LOG_H_
#define QCONFIG_SERVER_OBSERVE_DAMAGE_LOG_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "server/base/event_log.h"

namespace qconfig {

// Logs and counts each damage of the registry once, because the same damage is found again and again. Remembers up to
// 1,000, and ignores further ones. Thread-safe.
class DamageLog {
 public:
  DamageLog(EventLog events, std::string storage) : events_(std::move(events)), storage_(std::move(storage)) {}

  // `what` is as StorageDamaged() describes it.
  void Report(const std::string& what);

  int64_t count() const;

 private:
  const EventLog events_;
  const std::string storage_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_set<std::string> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_DAMAGE_LOG_H_
