// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OBSERVE_LOG_FORMAT_H_
#define QCONFIG_SERVER_OBSERVE_LOG_FORMAT_H_

#include <spdlog/logger.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

enum class LogForm { kText, kJson };

// From now on the sinks of `log` write one line for each message, whatever is in it: text, or one JSON object with
// `time`, `level` and `msg`. Times are UTC.
void SetLogForm(spdlog::logger& log, LogForm form);

// A logger on the sinks of `log`, for messages that LogFields has made.
std::shared_ptr<spdlog::logger> FieldsLogger(spdlog::logger& log);

// The message of a line that has fields beside its text. Not thread-safe.
class LogFields {
 public:
  LogFields(LogForm form, absl::string_view msg);

  // `key` is a plain word.
  LogFields& Add(absl::string_view key, absl::string_view value);
  LogFields& Add(absl::string_view key, int64_t value);

  // What a FieldsLogger() is to be given.
  const std::string& message() const { return message_; }

 private:
  LogFields& AddRendered(absl::string_view key, absl::string_view value);

  const LogForm form_;
  std::string message_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OBSERVE_LOG_FORMAT_H_
