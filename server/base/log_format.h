// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_LOG_FORMAT_H_
#define QCONFIG_SERVER_BASE_LOG_FORMAT_H_

#include <spdlog/logger.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace qconfig {

enum class LogForm { kText, kJson };

// Makes the sinks of `log` write exactly one line for each message: text, or a JSON object with `time`, `level` and
// `msg`. Times are UTC.
void SetLogForm(spdlog::logger& log, LogForm form);

// A logger that writes messages of LogFields to the sinks of `log`.
std::shared_ptr<spdlog::logger> FieldsLogger(spdlog::logger& log);

// Builds the message of a line with fields. Not thread-safe.
class LogFields {
 public:
  LogFields(LogForm form, absl::string_view msg);

  // `key` is a plain word.
  LogFields& Add(absl::string_view key, absl::string_view value);
  LogFields& Add(absl::string_view key, int64_t value);

  // The message for a FieldsLogger().
  const std::string& message() const { return message_; }

 private:
  LogFields& AddRendered(absl::string_view key, absl::string_view value);

  const LogForm form_;
  std::string message_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_LOG_FORMAT_H_
