// SPDX-License-Identifier: Apache-2.0
#include "server/base/files/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace qconfig {

absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_bytes) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return absl::FailedPreconditionError(absl::StrCat("cannot be opened: ", std::strerror(errno)));
  std::string text;
  ssize_t count = 0;
  struct stat status;
  const bool is_file = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  char block[16384];
  while (is_file && text.size() <= max_bytes && (count = read(file, block, sizeof block)) > 0) {
    text.append(block, static_cast<size_t>(count));
  }
  const int error = errno;
  close(file);
  if (!is_file) return absl::FailedPreconditionError("is not a regular file");
  if (count < 0) return absl::FailedPreconditionError(absl::StrCat("cannot be read: ", std::strerror(error)));
  if (text.size() > max_bytes) {
    return absl::FailedPreconditionError(absl::StrCat("has more than ", max_bytes, " bytes"));
  }
  if (text.find('\0') != std::string::npos)
    return absl::FailedPreconditionError("is not a text file: it has a NUL byte");
  return text;
}

}  // namespace qconfig
