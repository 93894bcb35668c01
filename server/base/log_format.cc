// SPDX-License-Identifier: Apache-2.0
#include "server/base/log_format.h"

#include <spdlog/formatter.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

// The maximum length of a value in a line.
constexpr size_t kMaxChars = 4096;

// If lines are JSON, messages of a logger with this name already are members of a JSON object.
constexpr char kFieldsLogger[] = "fields";

std::string JsonString(absl::string_view text) {
  return nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::string_view View(spdlog::string_view_t text) { return {text.data(), text.size()}; }

class LineFormatter : public spdlog::formatter {
 public:
  explicit LineFormatter(LogForm form) : form_(form) {}

  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::FromChrono(line.time), absl::UTCTimeZone());
    // The name that --log-level uses; spdlog's is "warning".
    const absl::string_view level =
        line.level == spdlog::level::warn ? "warn" : View(spdlog::level::to_string_view(line.level));
    const auto append = [&out](absl::string_view text) { out.append(text.data(), text.data() + text.size()); };
    if (form_ == LogForm::kText) {
      append(absl::StrCat(time, " [qconfigd] ["));
      line.color_range_start = out.size();
      append(level);
      line.color_range_end = out.size();
      append(absl::StrCat("] ", Printable(View(line.payload), kMaxChars), "\n"));
      return;
    }
    const bool has_fields = line.logger_name == kFieldsLogger;
    append(absl::StrCat("{\"time\":\"", time, "\",\"level\":\"", level, "\","));
    append(has_fields ? std::string(View(line.payload)) : absl::StrCat("\"msg\":", JsonString(View(line.payload))));
    append("}\n");
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LineFormatter>(form_); }

 private:
  const LogForm form_;
};

bool IsPlain(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != '"'; });
}

}  // namespace

void SetLogForm(spdlog::logger& log, LogForm form) { log.set_formatter(std::make_unique<LineFormatter>(form)); }

std::shared_ptr<spdlog::logger> FieldsLogger(spdlog::logger& log) { return log.clone(kFieldsLogger); }

LogFields::LogFields(LogForm form, absl::string_view msg)
    : form_(form), message_(form == LogForm::kJson ? absl::StrCat("\"msg\":", JsonString(msg)) : std::string(msg)) {}

LogFields& LogFields::Add(absl::string_view key, absl::string_view value) {
  if (IsPlain(value) && value.size() <= kMaxChars) {
    if (form_ == LogForm::kText) return AddRendered(key, value);
    if (!absl::StrContains(value, '\\')) return AddRendered(key, absl::StrCat("\"", value, "\""));
  }
  return AddRendered(key, JsonString(Printable(value, kMaxChars)));
}

LogFields& LogFields::Add(absl::string_view key, int64_t value) { return AddRendered(key, absl::StrCat(value)); }

LogFields& LogFields::AddRendered(absl::string_view key, absl::string_view value) {
  if (form_ == LogForm::kText) {
    absl::StrAppend(&message_, " ", key, "=", value);
  } else {
    absl::StrAppend(&message_, ",\"", key, "\":", value);
  }
  return *this;
}

}  // namespace qconfig
