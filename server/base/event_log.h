// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_EVENT_LOG_H_
#define QCONFIG_SERVER_BASE_EVENT_LOG_H_

#include <spdlog/logger.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <variant>

#include "absl/strings/string_view.h"
#include "server/base/log_format.h"

namespace qconfig {

// A named value of an event. Does not own its texts.
struct LogField {
  LogField(absl::string_view field_key, absl::string_view text) : key(field_key), value(text) {}
  template <typename Integer, typename = std::enable_if_t<std::is_integral_v<Integer>>>
  LogField(absl::string_view field_key, Integer number) : key(field_key), value(static_cast<int64_t>(number)) {}

  absl::string_view key;  // a plain word
  std::variant<absl::string_view, int64_t> value;
};

// Logs events: a message with fixed wording, and fields, whose lines it joins with "; ". Copyable. Thread-safe.
//
//   log.Info("draining", {{"in_flight", calls}, {"grace_s", 10}});
class EventLog {
 public:
  using Fields = std::initializer_list<LogField>;

  // Writes to the sinks of `log`, whose lines have the form `form`.
  EventLog(spdlog::logger& log, LogForm form) : log_(FieldsLogger(log)), form_(form) {}

  void Info(absl::string_view event, Fields fields = {}) const { Write(spdlog::level::info, event, fields); }
  void Warn(absl::string_view event, Fields fields = {}) const { Write(spdlog::level::warn, event, fields); }
  void Error(absl::string_view event, Fields fields = {}) const { Write(spdlog::level::err, event, fields); }
  void Critical(absl::string_view event, Fields fields = {}) const { Write(spdlog::level::critical, event, fields); }
  void Write(spdlog::level::level_enum level, absl::string_view event, Fields fields) const;

 private:
  std::shared_ptr<spdlog::logger> log_;
  LogForm form_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_EVENT_LOG_H_
