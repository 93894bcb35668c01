// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/host_budgets.h"

#include <algorithm>

namespace qconfig {

double HostBudgets::Left(const std::string& host) {
  absl::MutexLock lock(&mutex_);
  const auto found = buckets_.find(host);
  if (found == buckets_.end()) return buckets_.size() < kMaxHosts ? capacity_ : FindOrAdd(host).tokens;
  Refill(found->second);
  const double tokens = found->second.tokens;
  if (tokens >= capacity_) buckets_.erase(found);
  return tokens;
}

bool HostBudgets::Take(const std::string& host, double tokens) {
  absl::MutexLock lock(&mutex_);
  Bucket& bucket = FindOrAdd(host);
  if (bucket.tokens < tokens) return false;
  bucket.tokens -= tokens;
  return true;
}

void HostBudgets::Charge(const std::string& host, double tokens) {
  absl::MutexLock lock(&mutex_);
  Bucket& bucket = FindOrAdd(host);
  bucket.tokens = std::max(bucket.tokens - tokens, -kMaxDebt * capacity_);
}

size_t HostBudgets::size() {
  absl::MutexLock lock(&mutex_);
  ForgetFull(clock_.Steady());
  return buckets_.size();
}

void HostBudgets::Refill(Bucket& bucket) const {
  const absl::Duration now = clock_.Steady();
  const double added = per_second_ * absl::ToDoubleSeconds(now - bucket.updated);
  bucket = {std::min(bucket.tokens + added, capacity_), now};
}

HostBudgets::Bucket& HostBudgets::FindOrAdd(const std::string& host) {
  auto found = buckets_.find(host);
  if (found == buckets_.end()) {
    const absl::Duration now = clock_.Steady();
    if (buckets_.size() >= kMaxHosts && now >= next_search_) ForgetFull(now);
    // No host has the empty name.
    found = buckets_.try_emplace(buckets_.size() < kMaxHosts ? host : "", Bucket{capacity_, now}).first;
  }
  Refill(found->second);
  return found->second;
}

// Many hosts must not make each call search all of them.
void HostBudgets::ForgetFull(absl::Duration now) {
  next_search_ = now + absl::Seconds(1);
  for (auto bucket = buckets_.begin(); bucket != buckets_.end();) {
    Refill(bucket->second);
    bucket->second.tokens >= capacity_ ? bucket = buckets_.erase(bucket) : ++bucket;
  }
}

}  // namespace qconfig
