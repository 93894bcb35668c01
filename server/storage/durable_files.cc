// SPDX-License-Identifier: Apache-2.0
#include "server/storage/durable_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "server/storage/registry_store.h"
#include "server/storage/unique_fd.h"

namespace qconfig {
namespace {

constexpr mode_t kOwnerOnlyFile = 0600;
constexpr mode_t kOwnerOnlyDirectory = 0700;

absl::Status Failed(absl::string_view doing, absl::string_view path, int error) {
  const std::string problem = absl::StrCat("cannot ", doing, " ", path, ": ", std::strerror(error));
  return error == ENOSPC || error == EDQUOT ? StorageFull(problem) : StorageUnavailable(problem);
}

absl::Status Exists(absl::string_view path) {
  return absl::FailedPreconditionError(absl::StrCat(path, " exists already; choose another name or move it away"));
}

absl::Status Sync(const std::string& path, int flags) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!fd.ok() || fsync(fd.get()) != 0) return Failed("sync", path, errno);
  return absl::OkStatus();
}

std::string DirectoryOf(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path();
  return directory.empty() ? "." : directory;
}

// Some file systems cannot rename without replacing; there the name is looked at before.
int RenameToNewName(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  struct stat unused {};
  if (lstat(to.c_str(), &unused) == 0) return EEXIST;
  return rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

absl::StatusOr<int64_t> FileSize(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) == 0) return file.st_size;
  if (errno == ENOENT || errno == ENOTDIR) return -1;
  return Failed("look at", path, errno);
}

absl::Status CreateDirectoryOf(const std::string& path) {
  const std::string directory = DirectoryOf(path);
  if (mkdir(directory.c_str(), kOwnerOnlyDirectory) == 0) return Sync(DirectoryOf(directory), O_DIRECTORY);
  if (errno == EEXIST) return absl::OkStatus();
  if (errno != ENOENT) return Failed("create", directory, errno);
  if (absl::Status above = CreateDirectoryOf(directory); !above.ok()) return above;
  if (mkdir(directory.c_str(), kOwnerOnlyDirectory) != 0 && errno != EEXIST) return Failed("create", directory, errno);
  return Sync(DirectoryOf(directory), O_DIRECTORY);
}

absl::Status CreateFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnlyFile));
  if (fd.ok()) return absl::OkStatus();
  return errno == EEXIST ? Exists(path) : Failed("create", path, errno);
}

absl::Status PublishFile(const std::string& from, const std::string& to) {
  if (absl::Status synced = Sync(from, 0); !synced.ok()) return synced;
  const int error = RenameToNewName(from, to);
  if (error == EEXIST) return Exists(to);
  if (error != 0) return Failed("rename to", to, error);
  return Sync(DirectoryOf(to), O_DIRECTORY);
}

void RemoveDatabase(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) unlink(absl::StrCat(path, suffix).c_str());
}

}  // namespace qconfig
