// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_OPTIONS_CONFIG_FILE_H_
#define QCONFIG_SERVER_OPTIONS_CONFIG_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {

struct ConfigLine {
  int line = 0;  // counted from 1
  std::string key;
  std::string value;
};

// The `key = value` lines of `text`. A value can be in double quotes. A # begins a comment unless it is in quotes or
// inside a word. Ignores a byte order mark. kInvalidArgument for other lines; the message does not contain the line.
absl::StatusOr<std::vector<ConfigLine>> ParseConfig(absl::string_view text);

// ParseConfig() of the file at `path`, which all messages name. kInvalidArgument also if it cannot be read, or is not a
// regular text file.
absl::StatusOr<std::vector<ConfigLine>> ReadConfigFile(const std::string& path);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OPTIONS_CONFIG_FILE_H_
