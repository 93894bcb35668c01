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

// The `key = value` lines of `text`. A value may stand in double quotes, and what follows a # is a comment unless it is
// in quotes or part of a word. A byte order mark is passed over. kInvalidArgument for any other line; the message does
// not repeat it.
absl::StatusOr<std::vector<ConfigLine>> ParseConfig(absl::string_view text);

// ParseConfig() of the file at `path`; every message names it. kInvalidArgument also when it cannot be read, is no
// ordinary file, or is no text.
absl::StatusOr<std::vector<ConfigLine>> ReadConfigFile(const std::string& path);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_OPTIONS_CONFIG_FILE_H_
