// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/sqlite_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "server/registry/storage/durable_files.h"
#include "server/registry/storage/registry_store.h"

namespace qconfig {
namespace {

// See https://sqlite.org/fileformat2.html#the_write_ahead_log.
constexpr uint32_t kMagic = 0x377f0682;  // and the next number
constexpr int64_t kHeaderBytes = 32;
constexpr size_t kPageSizeOffset = 8;
constexpr size_t kSaltOffset = 16;
constexpr size_t kSaltBytes = 8;
constexpr int64_t kFrameHeaderBytes = 24;
constexpr off_t kFrameSaltOffset = 8;

uint32_t BigEndian(const std::array<char, 32>& bytes, size_t at) {
  uint32_t number = 0;
  for (size_t i = at; i < at + sizeof(number); ++i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

}  // namespace

absl::StatusOr<SqliteLog> SqliteLog::Open(const std::string& path) {
  std::string log = path + "-wal";
  UniqueFd fd(open(log.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return FileFailure("open", log, errno);
  return SqliteLog(std::move(fd), std::move(log));
}

absl::StatusOr<SqliteLog::State> SqliteLog::Look() const {
  struct stat opened {};
  struct stat named {};
  if (fstat(fd_.get(), &opened) != 0) return FileFailure("access", path_, errno);
  const bool found = stat(path_.c_str(), &named) == 0;
  if (!found && errno != ENOENT) return FileFailure("access", path_, errno);
  if (!found || named.st_ino != opened.st_ino || named.st_dev != opened.st_dev) return Unusable("removed or replaced");
  State state;
  state.bytes = opened.st_size;
  if (pread(fd_.get(), state.header.data(), state.header.size(), 0) < 0) return FileFailure("read", path_, errno);
  return state;
}

absl::Status SqliteLog::CheckAfterCommit(const State& before, int frames_before, int frames) const {
  const absl::StatusOr<State> after = Look();
  if (!after.ok()) return after.status();
  const uint32_t magic = BigEndian(after->header, 0);
  const int64_t page_bytes = BigEndian(after->header, kPageSizeOffset);
  const auto end_of = [page_bytes](int64_t count) { return kHeaderBytes + count * (kFrameHeaderBytes + page_bytes); };
  if ((magic != kMagic && magic != kMagic + 1) || after->bytes < end_of(frames)) return Unusable("cut");
  const bool has_begun_again = after->header != before.header;
  if (has_begun_again || frames_before == 0) return absl::OkStatus();
  // If the log was cut during the transaction, SQLite has filled the gap with zeros by writing after it.
  std::array<char, kSaltBytes> salt{};
  const off_t last_frame = end_of(frames_before - 1);
  if (pread(fd_.get(), salt.data(), salt.size(), last_frame + kFrameSaltOffset) < 0) {
    return FileFailure("read", path_, errno);
  }
  const bool is_whole =
      before.bytes >= end_of(frames_before) && std::equal(salt.begin(), salt.end(), &after->header[kSaltOffset]);
  return is_whole ? absl::OkStatus() : Unusable("cut");
}

absl::Status SqliteLog::Unusable(const char* what) const {
  const std::string problem = absl::StrCat(" was ", what, " while the server was using it; restart the server");
  return StorageUnavailable(absl::StrCat(path_, problem), absl::StrCat("the log of the registry's database", problem));
}

}  // namespace qconfig
