// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/durable_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/base/unique_fd.h"
#include "server/registry/storage/registry_store.h"

namespace qconfig {
namespace {

constexpr mode_t kOwnerOnlyDirectory = 0700;

absl::Status Sync(const std::string& path, int flags) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!fd.ok() || fsync(fd.get()) != 0) return FileFailure("sync", path, errno);
  return absl::OkStatus();
}

std::string ParentDirectory(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path();
  return directory.empty() ? "." : directory;
}

// Some file systems cannot rename without replacing; for them, checks first whether the name exists.
int RenameToNewName(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  struct stat unused {};
  if (lstat(to.c_str(), &unused) == 0) return EEXIST;
  return rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

absl::StatusOr<FileFacts> StatFile(const std::string& path) {
  FileFacts facts;
  struct stat file {};
  if (stat(path.c_str(), &file) == 0) {
    facts.size = file.st_size;
    facts.is_directory = S_ISDIR(file.st_mode);
    facts.names = file.st_nlink;
    facts.device = file.st_dev;
    facts.inode = file.st_ino;
    return facts;
  }
  if (errno != ENOENT && errno != ENOTDIR) return FileFailure("access", path, errno);
  facts.is_dangling_link = lstat(path.c_str(), &file) == 0;
  return facts;
}

absl::StatusOr<int64_t> FileSize(const std::string& path) {
  const absl::StatusOr<FileFacts> facts = StatFile(path);
  if (!facts.ok()) return facts.status();
  return facts->size;
}

absl::StatusOr<std::string> CanonicalPath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path canonical =
      std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  if (error) return FileFailure("resolve", path, error.value());
  return canonical.string();
}

absl::Status CreateParentDirectory(const std::string& path) {
  const std::string directory = ParentDirectory(path);
  if (mkdir(directory.c_str(), kOwnerOnlyDirectory) == 0) return Sync(ParentDirectory(directory), O_DIRECTORY);
  if (errno == EEXIST) return absl::OkStatus();
  if (errno != ENOENT) return FileFailure("create", directory, errno);
  if (absl::Status above = CreateParentDirectory(directory); !above.ok()) return above;
  if (mkdir(directory.c_str(), kOwnerOnlyDirectory) != 0 && errno != EEXIST)
    return FileFailure("create", directory, errno);
  return Sync(ParentDirectory(directory), O_DIRECTORY);
}

absl::StatusOr<std::string> CreateUnfinishedFile(const std::string& path) {
  std::random_device random;
  while (true) {
    std::string name = absl::StrFormat("%s.%d-%08x%08x.tmp", path, getpid(), random(), random());
    const UniqueFd fd(open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
    if (fd.ok()) return name;
    if (errno != EEXIST) return FileFailure("create", name, errno);
  }
}

absl::Status PublishFile(const std::string& from, const std::string& to) {
  if (absl::Status synced = Sync(from, 0); !synced.ok()) return synced;
  const int error = RenameToNewName(from, to);
  if (error == EEXIST) return PathExists(to);
  if (error != 0) return FileFailure("rename to", to, error);
  return Sync(ParentDirectory(to), O_DIRECTORY);
}

void ChownToOwnerOf(const std::string& path, int fd) {
  struct stat file {};
  if (geteuid() != 0 || stat(path.c_str(), &file) != 0) return;
  static_cast<void>(!fchown(fd, file.st_uid, file.st_gid));
}

void RemoveDatabase(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) unlink(absl::StrCat(path, suffix).c_str());
}

absl::Status PathExists(absl::string_view path) {
  return absl::FailedPreconditionError(absl::StrCat(path, " already exists; choose another name or move it away"));
}

absl::Status FileFailure(absl::string_view doing, absl::string_view path, int error) {
  const std::string problem = absl::StrCat("cannot ", doing, " ", path, ": ", std::strerror(error));
  const std::string for_clients = absl::StrCat("cannot ", doing, " a file of the registry: ", std::strerror(error));
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return full ? StorageFull(problem, for_clients) : StorageUnavailable(problem, for_clients);
}

}  // namespace qconfig
