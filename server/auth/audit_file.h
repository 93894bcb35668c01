// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_AUTH_AUDIT_FILE_H_
#define QCONFIG_SERVER_AUTH_AUDIT_FILE_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/base/unique_fd.h"

namespace qconfig {

// A file to which whole lines are appended, each in one write(2). Follows log rotation. Not thread-safe.
class AuditFile {
 public:
  // Opens the file for appending. Creates it with mode 0600 if it does not exist. Never waits for the reader of a pipe.
  // kFailedPrecondition: it cannot be opened, or is not a regular file. The message begins with the path.
  static absl::StatusOr<AuditFile> Open(const std::string& path);

  // Appends `line`, which ends with a newline. If the path has not been checked in the second before `now`, a steady
  // time, and no longer names the open file, opens the path again first.
  // kFailedPrecondition: as for Open(), or the line cannot be written. The file then has no part of the line, or, if
  // it cannot be truncated, the next line begins after a newline.
  absl::Status Append(absl::string_view line, absl::Duration now);

 private:
  explicit AuditFile(std::string path) : path_(std::move(path)) {}
  absl::Status Reopen();
  bool PathNamesFile() const;
  absl::Status Write(absl::string_view bytes);
  absl::Status Failure(absl::string_view what, int error) const;

  std::string path_;
  UniqueFd file_;  // none if the last Reopen() failed
  bool needs_newline_ = false;
  std::optional<absl::Duration> checked_;  // when the path was last known to name the file
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_AUTH_AUDIT_FILE_H_
