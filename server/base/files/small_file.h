// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_FILES_SMALL_FILE_H_
#define QCONFIG_SERVER_BASE_FILES_SMALL_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace qconfig {

// Reads the text file at `path`. Never blocks, even if it is a pipe without a writer.
// kFailedPrecondition: the file cannot be read, is not a regular file, has more than `max_bytes` bytes, or has a NUL
// byte, where C would end the text. The message does not name the path: "is not a regular file".
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_bytes = size_t{1} << 20);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_FILES_SMALL_FILE_H_
