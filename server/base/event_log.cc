// SPDX-License-Identifier: Apache-2.0
#include "server/base/event_log.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace qconfig {
namespace {

// Shown as they are, line breaks would be escaped, and escaped again in JSON.
std::string OnOneLine(absl::string_view text) {
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n', absl::SkipWhitespace());
  for (absl::string_view& line : lines) line = absl::StripAsciiWhitespace(line);
  return absl::StrJoin(lines, "; ");
}

}  // namespace

void EventLog::Write(spdlog::level::level_enum level, absl::string_view event, Fields fields) const {
  if (!log_->should_log(level)) return;
  LogFields line(form_, event);
  for (const LogField& field : fields) {
    const auto* text = std::get_if<absl::string_view>(&field.value);
    if (text != nullptr && absl::StrContains(*text, '\n')) {
      line.Add(field.key, OnOneLine(*text));
    } else {
      std::visit([&](const auto& value) { line.Add(field.key, value); }, field.value);
    }
  }
  log_->log(level, line.message());
}

}  // namespace qconfig
