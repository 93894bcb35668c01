// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_FILES_SMALL_FILE_H_
#define QCONFIG_SERVER_BASE_FILES_SMALL_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace qconfig {

// The text in the file at `path`. Never waits, even if it is a pipe that nobody writes to.
// kFailedPrecondition, with a message such as "is no ordinary file" that does not name the path, also when the file has
// more than `max_bytes` bytes, or a NUL byte, at which C would take the text for ended.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_bytes = size_t{1} << 20);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_FILES_SMALL_FILE_H_
