// SPDX-License-Identifier: Apache-2.0
#include "server/auth/audit_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/status_macros.h"

namespace qconfig {

absl::StatusOr<AuditFile> AuditFile::Open(const std::string& path) {
  AuditFile file(path);
  QCONFIG_RETURN_IF_ERROR(file.Reopen());
  return file;
}

absl::Status AuditFile::Append(absl::string_view line, absl::Duration now) {
  constexpr absl::Duration kInterval = absl::Seconds(1);
  const bool is_due = !checked_.has_value() || now - *checked_ >= kInterval;
  if (!file_.ok() || (is_due && !PathNamesFile())) QCONFIG_RETURN_IF_ERROR(Reopen());
  if (is_due) checked_ = now;
  return needs_newline_ ? Write(absl::StrCat("\n", line)) : Write(line);
}

absl::Status AuditFile::Reopen() {
  constexpr mode_t kOwnerOnly = 0600;
  // Readable, to find out whether the file ends with a newline. A pipe that is also readable opens without waiting.
  const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
  file_ = UniqueFd();
  UniqueFd opened(open(path_.c_str(), flags, kOwnerOnly));
  if (!opened.ok()) return Failure("cannot be opened", errno);
  struct stat status {};
  if (fstat(opened.get(), &status) != 0) return Failure("cannot be opened", errno);
  if (!S_ISREG(status.st_mode)) return absl::FailedPreconditionError(absl::StrCat(path_, ": is not a regular file"));
  char last = '\n';
  if (status.st_size > 0 && pread(opened.get(), &last, 1, status.st_size - 1) < 0) {
    return Failure("cannot be read", errno);
  }
  needs_newline_ = last != '\n';
  file_ = std::move(opened);
  return absl::OkStatus();
}

bool AuditFile::PathNamesFile() const {
  struct stat named {};
  struct stat open_file {};
  return stat(path_.c_str(), &named) == 0 && fstat(file_.get(), &open_file) == 0 && named.st_dev == open_file.st_dev &&
         named.st_ino == open_file.st_ino;
}

absl::Status AuditFile::Write(absl::string_view bytes) {
  ssize_t count = 0;
  do {
    count = write(file_.get(), bytes.data(), bytes.size());
  } while (count < 0 && errno == EINTR);
  if (count == static_cast<ssize_t>(bytes.size())) {
    needs_newline_ = false;
    return absl::OkStatus();
  }
  if (count < 0) return Failure("cannot be written", errno);
  // The disk is full, or the file has reached its size limit. After a write, the offset is the end of what it wrote. If
  // another process has written since, its lines stay.
  const off_t end = lseek(file_.get(), 0, SEEK_CUR);
  struct stat status {};
  const bool is_last = fstat(file_.get(), &status) == 0 && status.st_size == end;
  if (count > 0 && (!is_last || ftruncate(file_.get(), end - count) != 0)) needs_newline_ = true;
  return absl::FailedPreconditionError(absl::StrCat(path_, ": has no room for a line"));
}

absl::Status AuditFile::Failure(absl::string_view what, int error) const {
  return absl::FailedPreconditionError(absl::StrCat(path_, ": ", what, ": ", std::strerror(error)));
}

}  // namespace qconfig
