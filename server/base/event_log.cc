// SPDX-License-Identifier: Apache-2.0
#include "server/base/event_log.h"

namespace qconfig {

void EventLog::Write(spdlog::level::level_enum level, absl::string_view event, Fields fields) const {
  if (!log_->should_log(level)) return;
  LogFields line(form_, event);
  for (const LogField& field : fields) {
    std::visit([&](const auto& value) { line.Add(field.key, value); }, field.value);
  }
  log_->log(level, line.message());
}

}  // namespace qconfig
