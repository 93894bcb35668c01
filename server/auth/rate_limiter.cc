// SPDX-License-Identifier: Apache-2.0
#include "server/auth/rate_limiter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/base/call_context.h"

namespace qconfig {
namespace {

constexpr size_t kMinBuckets = 64;
constexpr size_t kMaxBuckets = 10'000;
constexpr absl::Duration kCleanupInterval = absl::Seconds(1);
constexpr double kSecondsPerMinute = 60;

absl::Status RateLimited(const Principal& principal, absl::Duration wait, bool of_writes) {
  const RateLimits& limits = principal.limits;
  const auto milliseconds = static_cast<int64_t>(std::ceil(absl::ToDoubleMilliseconds(wait)));
  return Error(v1::ERROR_REASON_RATE_LIMITED)
      .RetryAfterMs(std::max<int64_t>(1, milliseconds))
      .Advice("Spread the calls, or ask the operators of the server for higher limits in its policy")
      .ToStatus(of_writes ? absl::StrCat(principal.name, " may write ", limits.writes_per_minute,
                                         " times a minute; retry in ", milliseconds, " ms")
                          : absl::StrCat(principal.name, " may make ", limits.calls_per_second, " calls a second, and ",
                                         limits.burst, " at once; retry in ", milliseconds, " ms"));
}

}  // namespace

RateLimiter::Buckets& RateLimiter::BucketsOf(const Principal& principal, const std::string& peer, absl::Duration now) {
  const auto is_empty = [now](const auto& entry) {
    return entry.second.calls.is_empty <= now && entry.second.writes.is_empty <= now;
  };
  // At the maximum, removing the empty buckets at each call would take too long.
  if (buckets_.size() >= cleanup_size_ && (buckets_.size() < kMaxBuckets || now >= next_cleanup_)) {
    absl::erase_if(buckets_, is_empty);
    cleanup_size_ = std::clamp(2 * buckets_.size(), kMinBuckets, kMaxBuckets);
    next_cleanup_ = now + kCleanupInterval;
  }
  // Hosts beyond the maximum share a bucket.
  const bool by_host = principal.is_anonymous && buckets_.size() < kMaxBuckets;
  return buckets_[by_host ? absl::StrCat(principal.name, " ", HostOf(peer)) : principal.name];
}

RateLimiter::Excess RateLimiter::Count(const Principal& principal, const std::string& peer, bool is_write) {
  const RateLimits& limits = principal.limits;
  const absl::Duration now = clock_.Steady();
  Buckets& buckets = BucketsOf(principal, peer, now);
  const auto set_level = [now](Bucket& bucket, double level, double per_second) {
    bucket.level = level;
    bucket.updated = now;
    bucket.is_empty = now + absl::Seconds(level / per_second);
  };
  // The time until a call fits in. A bucket may be fuller than `size` if an earlier policy had a higher limit.
  const auto update = [now, set_level](Bucket& bucket, double per_second, double size) {
    const double emptied = per_second * absl::ToDoubleSeconds(now - bucket.updated);
    set_level(bucket, std::clamp(bucket.level - emptied, 0.0, size), per_second);
    return absl::Seconds(std::max(0.0, bucket.level + 1 - size) / per_second);
  };
  const auto add = [set_level](Bucket& bucket, double per_second, double size) {
    set_level(bucket, std::min(bucket.level + 1, size), per_second);
  };
  const bool limits_calls = limits.calls_per_second > 0;
  const bool limits_writes = is_write && limits.writes_per_minute > 0;
  const double writes_per_second = limits.writes_per_minute / kSecondsPerMinute;
  Excess excess;
  if (limits_calls) excess.wait = update(buckets.calls, limits.calls_per_second, limits.burst);
  if (limits_writes) {
    const absl::Duration wait = update(buckets.writes, writes_per_second, limits.writes_per_minute);
    if (wait > excess.wait) excess = {wait, true};
  }
  if (excess.wait > absl::ZeroDuration() && !limits.is_permissive) return excess;
  if (limits_calls) add(buckets.calls, limits.calls_per_second, limits.burst);
  if (limits_writes) add(buckets.writes, writes_per_second, limits.writes_per_minute);
  return excess;
}

absl::Status RateLimiter::Take(const Principal& principal, const std::string& peer, bool is_write) {
  if (!principal.limits.any()) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  const Excess excess = Count(principal, peer, is_write);
  if (excess.wait <= absl::ZeroDuration()) return absl::OkStatus();
  ++(principal.limits.is_permissive ? tolerated_ : rejected_);
  return principal.limits.is_permissive ? absl::OkStatus() : RateLimited(principal, excess.wait, excess.of_writes);
}

bool RateLimiter::TakeIfAllowed(const Principal& principal, const std::string& peer, bool is_write) {
  if (!principal.limits.any()) return true;
  absl::MutexLock lock(&mutex_);
  const bool exceeds = Count(principal, peer, is_write).wait > absl::ZeroDuration();
  tolerated_ += exceeds && principal.limits.is_permissive ? 1 : 0;
  return !exceeds || principal.limits.is_permissive;
}

int64_t RateLimiter::rejected() const {
  absl::MutexLock lock(&mutex_);
  return rejected_;
}

int64_t RateLimiter::tolerated() const {
  absl::MutexLock lock(&mutex_);
  return tolerated_;
}

}  // namespace qconfig
