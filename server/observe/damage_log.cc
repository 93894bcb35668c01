// SPDX-License-Identifier: Apache-2.0
#include "server/observe/damage_log.h"

namespace qconfig {

void DamageLog::Report(const std::string& what) {
  constexpr size_t kMaxKnown = 1000;
  {
    const absl::MutexLock lock(&mutex_);
    if (known_.size() >= kMaxKnown || !known_.insert(what).second) return;
  }
  events_.Error("the stored registry is damaged", {{"detail", what}, {"storage", storage_}});
}

int64_t DamageLog::count() const {
  const absl::MutexLock lock(&mutex_);
  return static_cast<int64_t>(known_.size());
}

}  // namespace qconfig
