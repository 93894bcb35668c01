// SPDX-License-Identifier: Apache-2.0
#include "server/base/limited_log.h"

namespace qconfig {

void LimitedLog::Write(spdlog::level::level_enum level, absl::string_view event, EventLog::Fields fields) {
  Flush();
  {
    absl::MutexLock lock(&mutex_);
    const auto [kind, is_new] = kinds_.try_emplace({level, std::string(event)});
    if (is_new) kind->second.start = clock_.Steady();
    if (++kind->second.lines > kLines) return;
  }
  log_.Write(level, event, fields);
}

void LimitedLog::Flush() {
  absl::MutexLock lock(&mutex_);
  const absl::Duration now = clock_.Steady();
  for (auto kind = kinds_.begin(); kind != kinds_.end();) {
    const auto& [level, event] = kind->first;
    if (now < kind->second.start + kPeriod) {
      ++kind;
      continue;
    }
    if (const int64_t left_out = kind->second.lines - kLines; left_out > 0) {
      log_.Write(level, "log lines left out",
                 {{"event", event}, {"lines", left_out}, {"seconds", absl::ToInt64Seconds(now - kind->second.start)}});
    }
    kind = kinds_.erase(kind);
  }
}

}  // namespace qconfig
