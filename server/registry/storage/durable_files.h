// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_DURABLE_FILES_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_DURABLE_FILES_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {

// Operations on files that only their owner can access. Their effects survive a crash once they have returned. Failures
// of the operating system are STORAGE_FULL or STORAGE_UNAVAILABLE, and the message has the path. Thread-safe.

// The permissions of files.
inline constexpr mode_t kOwnerOnly = 0600;

// The properties of the file at a path. Follows links.
struct FileFacts {
  int64_t size = -1;  // -1: there is no file
  bool is_directory = false;
  bool is_dangling_link = false;
  uint64_t names = 0;  // the number of hard links
  dev_t device = 0;
  ino_t inode = 0;

  bool IsSameFile(const FileFacts& other) const { return device == other.device && inode == other.inode; }
};
absl::StatusOr<FileFacts> StatFile(const std::string& path);

// The size of a file; -1: there is no file.
absl::StatusOr<int64_t> FileSize(const std::string& path);

// The absolute path without symbolic links. The last component need not exist.
absl::StatusOr<std::string> CanonicalPath(const std::string& path);

// Creates the missing directories above `path`.
absl::Status CreateParentDirectory(const std::string& path);

// Creates an empty file with a unique name that begins with `path`, and returns the name.
absl::StatusOr<std::string> CreateUnfinishedFile(const std::string& path);

// Renames a finished file. kFailedPrecondition: `to` exists; nothing has changed.
absl::Status PublishFile(const std::string& from, const std::string& to);

// Changes the owner of the open file `fd` to the owner of the file at `path`, so that a server can open what a tool
// created as root. Does nothing if there is no such file, or if the process does not run as root.
void ChownToOwnerOf(const std::string& path, int fd);

// Removes `path` and the files that SQLite keeps beside it. Files that do not exist are not an error.
void RemoveDatabase(const std::string& path);

// kFailedPrecondition, for a path that already exists.
absl::Status PathExists(absl::string_view path);

// The status for the operating system's `error`: "cannot sync /a/b: ...".
absl::Status FileFailure(absl::string_view doing, absl::string_view path, int error);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_DURABLE_FILES_H_
