// SPDX-License-Identifier: Apache-2.0
#include "server/options/config_file.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/files/small_file.h"

namespace qconfig {
namespace {

bool IsBlankOrComment(absl::string_view text) {
  text = absl::StripLeadingAsciiWhitespace(text);
  return text.empty() || text.front() == '#';
}

// The value of `text`, which follows the =; nullopt if a quote is not closed or text follows it.
std::optional<std::string> ParseValue(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (absl::StartsWith(text, "\"")) {
    const size_t end = text.find('"', 1);
    if (end == absl::string_view::npos || !IsBlankOrComment(text.substr(end + 1))) return std::nullopt;
    return std::string(text.substr(1, end - 1));
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || absl::ascii_isspace(static_cast<unsigned char>(text[i - 1])))) {
      text = absl::StripTrailingAsciiWhitespace(text.substr(0, i));
    }
  }
  return std::string(text);
}

}  // namespace

absl::StatusOr<std::vector<ConfigLine>> ParseConfig(absl::string_view text) {
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");  // the byte order mark that some editors write
  std::vector<ConfigLine> lines;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (IsBlankOrComment(line)) continue;
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, " must be `key = value`, such as: listen = 127.0.0.1:50051"));
    }
    const std::string key(absl::StripAsciiWhitespace(line.substr(0, equals)));
    std::optional<std::string> value = ParseValue(line.substr(equals + 1));
    if (!value.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, ": the value has text after its closing quote, or no closing quote"));
    }
    lines.push_back({number, key, *std::move(value)});
  }
  return lines;
}

absl::StatusOr<std::vector<ConfigLine>> ReadConfigFile(const std::string& path) {
  const auto text = ReadSmallFile(path);
  if (!text.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the configuration file ", path, " ", text.status().message()));
  }
  auto lines = ParseConfig(*text);
  if (!lines.ok()) return absl::InvalidArgumentError(absl::StrCat(path, ", ", lines.status().message()));
  return lines;
}

}  // namespace qconfig
