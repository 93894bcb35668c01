// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/commits_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "server/registry/storage/durable_files.h"

namespace qconfig {
namespace {

constexpr int64_t kMaxNumber = int64_t{1} << 60;  // sums do not overflow

// Has a fixed length, so that writing it replaces all of the old text.
std::string ReadText(const CommitCount& count) { return absl::StrFormat("%020d %020d\n", count.epoch, count.commits); }

// Nullopt if ReadText() did not write the text, which happens after a crash of the machine.
std::optional<CommitCount> Parse(absl::string_view text) {
  CommitCount count;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::ByAnyChar(" \n"));
  const bool valid = parts.size() == 3 && absl::SimpleAtoi(parts[0], &count.epoch) &&
                     absl::SimpleAtoi(parts[1], &count.commits) && ReadText(count) == text && count.epoch >= 0 &&
                     count.epoch <= kMaxNumber && count.commits >= 0 && count.commits <= kMaxNumber;
  return valid ? std::optional<CommitCount>(count) : std::nullopt;
}

}  // namespace

absl::StatusOr<std::unique_ptr<CommitsFile>> CommitsFile::Open(const std::string& path) {
  const std::string name = path + ".commits";
  UniqueFd fd(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
  if (!fd.ok()) return FileFailure("open", name, errno);
  ChownToOwnerOf(path, fd.get());
  std::array<char, 64> text{};
  const ssize_t size = pread(fd.get(), text.data(), text.size(), 0);
  if (size < 0) return FileFailure("read", name, errno);
  const std::optional<CommitCount> count = Parse({text.data(), static_cast<size_t>(size)});
  if (!count.has_value() && ftruncate(fd.get(), 0) != 0) return FileFailure("truncate", name, errno);
  return std::unique_ptr<CommitsFile>(new CommitsFile(std::move(fd), count.value_or(CommitCount{})));
}

CommitCount CommitsFile::count() const {
  const absl::MutexLock lock(&mutex_);
  return count_;
}

void CommitsFile::Set(const CommitCount& count) {
  const absl::MutexLock lock(&mutex_);
  count_ = count;
  Write();
}

void CommitsFile::AddCommits(int64_t commits) {
  const absl::MutexLock lock(&mutex_);
  count_.commits += commits;
  Write();
}

void CommitsFile::SetEpoch(int64_t epoch) {
  const absl::MutexLock lock(&mutex_);
  count_.epoch = epoch;
  Write();
}

// Holds the lock, so that the count in the file never decreases. The write only reaches the page cache.
void CommitsFile::Write() {
  const std::string text = ReadText(count_);
  static_cast<void>(!pwrite(fd_.get(), text.data(), text.size(), 0));
}

}  // namespace qconfig
