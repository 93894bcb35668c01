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

// Files that only their owner may use, and that survive a crash once these functions have returned. What the operating
// system refuses is STORAGE_FULL or STORAGE_UNAVAILABLE, and the message has the path. Thread-safe.

// What stands under a name. Links are followed.
struct FileFacts {
  int64_t size = -1;  // -1: there is nothing
  bool is_directory = false;
  bool is_dangling_link = false;  // to nothing
  uint64_t names = 0;             // how many names the file has: links that are no symbolic ones
  dev_t device = 0;
  ino_t inode = 0;

  bool IsFileOf(const FileFacts& other) const { return device == other.device && inode == other.inode; }
};
absl::StatusOr<FileFacts> LookAt(const std::string& path);

// The size of a file; -1 when there is none.
absl::StatusOr<int64_t> FileSize(const std::string& path);

// The same absolute path for all paths that lead to one file, whether it is there yet or not.
absl::StatusOr<std::string> CanonicalPath(const std::string& path);

// Creates the directory of `path`, and those above it, where they are missing.
absl::Status CreateDirectoryOf(const std::string& path);

// Creates an empty file beside `path`, with a name that begins like it and that nobody else uses; tells the name.
absl::StatusOr<std::string> CreateUnfinishedFile(const std::string& path);

// Gives a finished file its name. kFailedPrecondition: there is something of the name `to`; nothing has changed.
absl::Status PublishFile(const std::string& from, const std::string& to);

// Gives the open file `fd` to the owner of the file at `path`, so that a tool that root runs leaves no file that the
// owner's processes cannot open. Does nothing if there is no such file, or if the process does not run as root.
void GiveToOwnerOf(const std::string& path, int fd);

// Removes `path` and what SQLite may have left beside it. What is not there is no error.
void RemoveDatabase(const std::string& path);

// kFailedPrecondition: there is something of that name already.
absl::Status NameTaken(absl::string_view path);

// What the operating system's `error` means: "cannot sync /a/b: ...".
absl::Status FileFailure(absl::string_view doing, absl::string_view path, int error);

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_DURABLE_FILES_H_
