// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_LIMITED_LOG_H_
#define QCONFIG_SERVER_BASE_LIMITED_LOG_H_

#include <spdlog/common.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/event_log.h"

namespace qconfig {

// Logs events that peers can cause at will: a few of each kind in each period, and then how many it has left out.
// Thread-safe.
class LimitedLog {
 public:
  static constexpr int64_t kLines = 5;  // of the same event and level in a period
  static constexpr absl::Duration kPeriod = absl::Seconds(10);

  explicit LimitedLog(EventLog log, Clock clock = Clock()) : log_(std::move(log)), clock_(std::move(clock)) {}

  void Info(absl::string_view event, EventLog::Fields fields) { Write(spdlog::level::info, event, fields); }
  void Warn(absl::string_view event, EventLog::Fields fields) { Write(spdlog::level::warn, event, fields); }
  void Error(absl::string_view event, EventLog::Fields fields) { Write(spdlog::level::err, event, fields); }

  // Logs how many lines were left out in the periods that are over. To be called about every second.
  void Flush() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Kind {
    absl::Duration start;  // of the period
    int64_t lines = 0;     // in the period, with those left out
  };

  struct LeftOut {
    spdlog::level::level_enum level;
    std::string event;
    int64_t lines;
    absl::Duration time;
  };

  void Write(spdlog::level::level_enum level, absl::string_view event, EventLog::Fields fields)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends the periods that are over.
  std::vector<LeftOut> TakeLeftOut() ABSL_LOCKS_EXCLUDED(mutex_);

  const EventLog log_;
  const Clock clock_;
  absl::Mutex mutex_;
  std::map<std::pair<spdlog::level::level_enum, std::string>, Kind> kinds_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_LIMITED_LOG_H_
