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
  for (const auto& [level, event, lines, time] : TakeLeftOut()) {
    log_.Write(level, "log lines left out",
               {{"event", event}, {"lines", lines}, {"seconds", absl::ToInt64Seconds(time)}});
  }
}

std::vector<LimitedLog::LeftOut> LimitedLog::TakeLeftOut() {
  const absl::Duration now = clock_.Steady();
  std::vector<LeftOut> left_out;
  absl::MutexLock lock(&mutex_);
  for (auto kind = kinds_.begin(); kind != kinds_.end();) {
    const absl::Duration time = now - kind->second.start;
    if (time < kPeriod) {
      ++kind;
      continue;
    }
    const int64_t lines = kind->second.lines - kLines;
    if (lines > 0) left_out.push_back({kind->first.first, kind->first.second, lines, time});
    kind = kinds_.erase(kind);
  }
  return left_out;
}

}  // namespace qconfig
