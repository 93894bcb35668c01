// SPDX-License-Identifier: Apache-2.0
#include "server/base/memory_pressure.h"

#include "core/error.h"

namespace qconfig {

MemoryPressure::Level MemoryPressure::Update(size_t used) {
  constexpr double kHigh = 0.85;
  constexpr double kCritical = 0.95;
  constexpr double kRecovered = 0.05;  // below the thresholds, so that the level does not change with every call
  used_ = used;
  if (limit_ == 0) return Level::kNone;
  const double share = static_cast<double>(used) / static_cast<double>(limit_);
  const auto is_above = [&](Level level, double threshold) {
    return share >= (level_ >= level ? threshold - kRecovered : threshold);
  };
  const Level level = is_above(Level::kCritical, kCritical) ? Level::kCritical
                      : is_above(Level::kHigh, kHigh)       ? Level::kHigh
                                                            : Level::kNone;
  level_ = level;
  return level;
}

absl::Status MemoryPressure::Admit(Work work) {
  const Level level = level_;
  if (level == Level::kNone || (level == Level::kHigh && work == Work::kSmall)) return absl::OkStatus();
  ++rejections_;
  return Error(v1::ERROR_REASON_OVERLOADED)
      .ToStatus(work == Work::kLarge ? "the server has little free memory and rejects large requests, batches, plans, "
                                       "health watches and registries that are not in memory; retry later"
                                     : "the server has very little free memory and serves only cached answers; retry "
                                       "later");
}

}  // namespace qconfig
