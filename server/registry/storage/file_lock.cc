// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/registry/storage/durable_files.h"

namespace qconfig {
namespace {

std::string ReadHolder(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = pread(fd, text.data(), text.size(), 0);
  int64_t holder = 0;
  const bool is_number = size > 0 && absl::SimpleAtoi({text.data(), static_cast<size_t>(size)}, &holder);
  return is_number ? absl::StrCat("process ", holder) : "another process";
}

}  // namespace

absl::StatusOr<FileLock> FileLock::Acquire(const std::string& path) {
  const std::string name = path + ".lock";
  UniqueFd fd(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  if (!fd.ok()) return FileFailure("open", name, errno);
  ChownToOwnerOf(path, fd.get());
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return FileFailure("lock", name, errno);
    return absl::FailedPreconditionError(
        absl::StrCat(ReadHolder(fd.get()), " holds ", name, "; stop it, or use another file"));
  }
  // Only messages need the process id, so a full disk is not an error.
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd.get(), 0) == 0) static_cast<void>(!pwrite(fd.get(), pid.data(), pid.size(), 0));
  return FileLock(std::move(fd), path);
}

absl::Status FileLock::Keep() {
  const std::string name = path_ + ".lock";
  struct stat locked {};
  struct stat named {};
  const bool is_there = stat(name.c_str(), &named) == 0;
  // A file that cannot be looked at may be the locked one, and locking it again would fail.
  if (!is_there && errno != ENOENT) return FileFailure("look at", name, errno);
  if (fstat(fd_.get(), &locked) != 0) return FileFailure("look at", name, errno);
  if (is_there) {
    if (locked.st_ino == named.st_ino && locked.st_dev == named.st_dev) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(name, " was replaced: another process has used the registry"));
  }
  absl::StatusOr<FileLock> again = Acquire(path_);
  if (!again.ok()) return again.status();
  *this = *std::move(again);
  return absl::OkStatus();
}

}  // namespace qconfig
