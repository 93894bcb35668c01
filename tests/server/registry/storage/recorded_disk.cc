// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry/storage/recorded_disk.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/server/registry/storage/store_test_support.h"

namespace qconfig {
namespace {

using Kind = DiskOperation::Kind;

constexpr char kLogSuffix[] = "-wal";
constexpr char kIndexSuffix[] = "-shm";
constexpr size_t kIndexHeaderBytes = 136;  // SQLite makes the rest again

bool IsDirectory(const std::string& path) { return path.empty() || path.back() == '/'; }

// The directory that has the name: "" or "a/" or "a/b/".
std::string Parent(const std::string& path) {
  const size_t slash = path.rfind('/', path.size() - 2);
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

bool ChangesNames(Kind kind) { return kind <= Kind::kRemove; }

void Apply(const DiskOperation& operation, size_t i, bool durable, const DiskRecording::Survives& survives,
           std::string& contents) {
  constexpr int64_t kSector = DiskRecording::kSectorBytes;
  if (operation.kind == Kind::kTruncate) {
    if (durable || survives(i, 0)) contents.resize(static_cast<size_t>(operation.offset));
    return;
  }
  const int64_t begin = operation.offset;
  const int64_t end = begin + static_cast<int64_t>(operation.bytes.size());
  for (int64_t sector = begin / kSector; sector * kSector < end; ++sector) {
    if (!durable && !survives(i, sector - begin / kSector)) continue;
    const auto from = static_cast<size_t>(std::max(begin, sector * kSector));
    const auto to = static_cast<size_t>(std::min(end, (sector + 1) * kSector));
    if (contents.size() < to) contents.resize(to);
    contents.replace(from, to - from, operation.bytes, from - static_cast<size_t>(begin), to - from);
  }
}

}  // namespace

FileContents ReadFiles(const std::string& directory) {
  FileContents files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string path = std::filesystem::relative(entry.path(), directory);
    if (entry.is_directory()) {
      files[path + "/"];
    } else {
      files[path] = FileBytes(entry.path());
    }
  }
  return files;
}

void WriteFiles(const std::string& directory, const FileContents& files) {
  std::filesystem::create_directories(directory);
  for (const auto& [path, bytes] : files) {
    const std::string full = absl::StrCat(directory, "/", path);
    if (IsDirectory(path)) {
      std::filesystem::create_directories(full);
    } else {
      WriteFile(full, bytes);
    }
  }
}

void DiskRecording::AddIndex(const std::string& path, std::string bytes) {
  indexes_.push_back({operations_.size(), path, std::move(bytes)});
}

std::vector<bool> DiskRecording::Durable(size_t end) const {
  std::vector<bool> durable(end);
  std::set<int64_t> files;
  std::set<std::string> directories;
  for (size_t i = end; i-- > 0;) {
    const DiskOperation& operation = operations_[i];
    if (operation.kind == Kind::kSync) files.insert(operation.file);
    if (operation.kind == Kind::kSyncDirectory) directories.insert(operation.path);
    durable[i] =
        ChangesNames(operation.kind) ? directories.count(Parent(operation.path)) > 0 : files.count(operation.file) > 0;
  }
  return durable;
}

std::vector<size_t> DiskRecording::Unsynced(size_t end) const {
  const std::vector<bool> durable = Durable(end);
  std::vector<size_t> unsynced;
  for (size_t i = 0; i < end; ++i) {
    const Kind kind = operations_[i].kind;
    if (!durable[i] && kind != Kind::kSync && kind != Kind::kSyncDirectory) unsynced.push_back(i);
  }
  return unsynced;
}

FileContents DiskRecording::AfterPowerLoss(size_t end, const Survives& survives) const {
  const std::vector<bool> durable = Durable(end);
  std::map<std::string, int64_t> names = files_;
  std::map<int64_t, std::string> contents;
  std::set<std::string> directories = {""};
  for (const auto& [path, bytes] : before_) {
    if (IsDirectory(path)) {
      directories.insert(path);
    } else {
      contents[files_.at(path)] = bytes;
    }
  }
  std::set<std::string> ended;  // directories of which a change is lost
  for (size_t i = 0; i < end; ++i) {
    const DiskOperation& operation = operations_[i];
    if (operation.kind == Kind::kWrite || operation.kind == Kind::kTruncate) {
      Apply(operation, i, durable[i], survives, contents[operation.file]);
    }
    if (!ChangesNames(operation.kind)) continue;
    const std::string parent = Parent(operation.path);
    if (!durable[i] && !survives(i, 0)) ended.insert(parent);
    if (!durable[i] && ended.count(parent) > 0) continue;
    if (operation.kind == Kind::kMakeDirectory) directories.insert(operation.path);
    if (operation.kind == Kind::kCreate) names[operation.path] = operation.file;
    if (operation.kind == Kind::kRename) names[operation.to] = names[operation.path];
    if (operation.kind == Kind::kRename || operation.kind == Kind::kRemove) names.erase(operation.path);
  }
  FileContents files;
  const auto exists = [&directories](std::string path) {
    while (!path.empty()) {
      path = Parent(path);
      if (directories.count(path) == 0) return false;
    }
    return true;
  };
  for (const std::string& directory : directories) {
    if (!directory.empty() && exists(directory)) files[directory];
  }
  for (const auto& [path, file] : names) {
    if (exists(path)) files[path] = contents[file];
  }
  return files;
}

std::vector<FileContents> DiskRecording::Indexes(size_t end) const {
  std::vector<FileContents> indexes;
  for (const Index& index : indexes_) {
    if (index.operations <= end) indexes.push_back({{index.path, index.bytes}});
  }
  return indexes;
}

std::atomic<RecordedDisk*> RecordedDisk::current_ = nullptr;

namespace {

std::map<std::string, int64_t> NumberFiles(const FileContents& files) {
  std::map<std::string, int64_t> numbers;
  for (const auto& [path, bytes] : files) {
    if (!IsDirectory(path)) numbers[path] = static_cast<int64_t>(numbers.size()) + 1;
  }
  return numbers;
}

}  // namespace

RecordedDisk::RecordedDisk(const std::string& directory)
    : ForwardingVfs("recorded"),
      directory_(std::filesystem::canonical(directory).string() + "/"),
      recording_(ReadFiles(directory_), NumberFiles(ReadFiles(directory_))) {
  for (const auto& [path, number] : NumberFiles(ReadFiles(directory_))) {
    struct stat file {};
    if (stat((directory_ + path).c_str(), &file) != 0) std::abort();
    numbers_[file.st_ino] = number;
    last_number_ = number;
  }
  open_directory_ = reinterpret_cast<int (*)(const char*, int*)>(base()->xGetSystemCall(base(), "openDirectory"));
  base()->xSetSystemCall(base(), "openDirectory",
                         reinterpret_cast<sqlite3_syscall_ptr>(&RecordedDisk::OnOpenDirectory));
  if (current_.exchange(this) != nullptr) std::abort();
}

RecordedDisk::~RecordedDisk() {
  current_ = nullptr;
  base()->xSetSystemCall(base(), "openDirectory", nullptr);
}

size_t RecordedDisk::operations() const {
  const absl::MutexLock lock(&mutex_);
  return recording_.size();
}

std::optional<std::string> RecordedDisk::Within(const std::string& path) const {
  if (path + "/" == directory_) return "";
  if (!absl::StartsWith(path, directory_)) return std::nullopt;
  return path.substr(directory_.size());
}

int64_t RecordedDisk::AddFile(const std::string& path) {
  struct stat file {};
  if (stat((directory_ + path).c_str(), &file) != 0) std::abort();
  numbers_[file.st_ino] = ++last_number_;
  Add({Kind::kCreate, last_number_, path});
  return last_number_;
}

void RecordedDisk::Add(DiskOperation operation) {
  recording_.Add(std::move(operation));
  if (index_path_.empty()) return;
  std::string index = FileBytes(directory_ + index_path_).substr(0, kIndexHeaderBytes);
  if (index == index_ || index.empty()) return;
  index_ = index;
  recording_.AddIndex(index_path_, std::move(index));
}

int RecordedDisk::OnCreate(const char* path, const std::function<int()>& call) {
  const absl::MutexLock lock(&mutex_);
  const bool is_new = access(path, F_OK) != 0;
  const int fd = call();
  const std::optional<std::string> within = Within(path);
  if (fd >= 0 && is_new && within.has_value()) AddFile(*within);
  return fd;
}

int RecordedDisk::OnName(Kind kind, const char* path, const char* to, const std::function<int()>& call) {
  const absl::MutexLock lock(&mutex_);
  const int result = call();
  std::optional<std::string> within = Within(path);
  if (result != 0 || !within.has_value()) return result;
  if (kind == Kind::kMakeDirectory) *within += "/";
  Add({kind, 0, *within, to == nullptr ? "" : Within(to).value()});
  return result;
}

int64_t RecordedDisk::OnFile(Kind kind, int fd, int64_t offset, const std::string& bytes,
                             const std::function<int64_t()>& call) {
  const absl::MutexLock lock(&mutex_);
  const int64_t result = call();
  struct stat file {};
  if (result < 0 || fstat(fd, &file) != 0) return result;
  std::string path(4096, '\0');
  const ssize_t length = readlink(absl::StrCat("/proc/self/fd/", fd).c_str(), path.data(), path.size());
  path.resize(length < 0 ? 0 : static_cast<size_t>(length));
  const std::optional<std::string> within = Within(path);
  if (!within.has_value()) return result;
  if (S_ISDIR(file.st_mode)) {
    Add({Kind::kSyncDirectory, 0, within->empty() ? "" : *within + "/"});
  } else if (numbers_.count(file.st_ino) > 0) {
    Add({kind, numbers_[file.st_ino], "", "", offset, bytes});
  }
  return result;
}

int RecordedDisk::Open(File& file, int* out_flags) {
  const absl::MutexLock lock(&mutex_);
  const std::optional<std::string> within = file.path == nullptr ? std::nullopt : Within(file.path);
  const bool is_new = within.has_value() && access(file.path, F_OK) != 0;
  const int code = ForwardingVfs::Open(file, out_flags);
  struct stat opened {};
  if (code != SQLITE_OK || !within.has_value() || stat(file.path, &opened) != 0) return code;
  file.number = is_new ? AddFile(*within) : numbers_[opened.st_ino];
  if ((file.flags & SQLITE_OPEN_WAL) != 0) {
    index_path_ = within->substr(0, within->size() - strlen(kLogSuffix)) + kIndexSuffix;
  }
  return code;
}

int RecordedDisk::Write(File& file, const void* bytes, int size, int64_t offset) {
  const absl::MutexLock lock(&mutex_);
  const int code = ForwardingVfs::Write(file, bytes, size, offset);
  if (code == SQLITE_OK && file.number != 0) {
    Add({Kind::kWrite, file.number, "", "", offset,
         std::string(static_cast<const char*>(bytes), static_cast<size_t>(size))});
  }
  return code;
}

int RecordedDisk::Truncate(File& file, int64_t size) {
  const absl::MutexLock lock(&mutex_);
  const int code = ForwardingVfs::Truncate(file, size);
  if (code == SQLITE_OK && file.number != 0) Add({Kind::kTruncate, file.number, "", "", size});
  return code;
}

// Recorded before it begins, because it need not sync what is written meanwhile. The first sync of a log also syncs its
// directory, with OnOpenDirectory().
int RecordedDisk::Sync(File& file, int flags) {
  {
    const absl::MutexLock lock(&mutex_);
    if (file.number != 0) Add({Kind::kSync, file.number});
  }
  return ForwardingVfs::Sync(file, flags);
}

// The VFS below would call OnOpenDirectory() before the removal is recorded.
int RecordedDisk::Delete(const char* path, int sync_directory) {
  const std::optional<std::string> within = Within(path);
  if (!within.has_value()) return ForwardingVfs::Delete(path, sync_directory);
  const int code = ForwardingVfs::Delete(path, /*sync_directory=*/0);
  const absl::MutexLock lock(&mutex_);
  if (code != SQLITE_OK) return code;
  Add({Kind::kRemove, 0, *within});
  if (sync_directory != 0) Add({Kind::kSyncDirectory, 0, Parent(*within)});
  return code;
}

// SQLite opens a directory only to sync it.
int RecordedDisk::OnOpenDirectory(const char* path, int* fd) {
  RecordedDisk* const self = current_;
  const int code = self->open_directory_(path, fd);
  const std::optional<std::string> within = self->Within(path);
  if (code != SQLITE_OK || !within.has_value()) return code;
  const absl::MutexLock lock(&self->mutex_);
  const std::string parent = Parent(*within);
  self->Add({Kind::kSyncDirectory, 0, parent});
  return code;
}

}  // namespace qconfig

// The linker redirects the calls of the store to these functions.
using qconfig::DiskOperation;
using qconfig::RecordedDisk;

extern "C" {

int __real_open(const char* path, int flags, ...);
int __wrap_open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  RecordedDisk* const disk = RecordedDisk::current();
  const auto call = [&] { return __real_open(path, flags, mode); };
  return disk == nullptr || (flags & O_CREAT) == 0 ? call() : disk->OnCreate(path, call);
}

ssize_t __real_pwrite(int fd, const void* bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  RecordedDisk* const disk = RecordedDisk::current();
  const auto call = [&] { return __real_pwrite(fd, bytes, size, offset); };
  if (disk == nullptr) return call();
  return disk->OnFile(DiskOperation::Kind::kWrite, fd, offset, std::string(static_cast<const char*>(bytes), size),
                      call);
}

int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size) {
  RecordedDisk* const disk = RecordedDisk::current();
  const auto call = [&] { return __real_ftruncate(fd, size); };
  if (disk == nullptr) return call();
  return static_cast<int>(disk->OnFile(DiskOperation::Kind::kTruncate, fd, size, "", call));
}

int __real_fsync(int fd);
int __wrap_fsync(int fd) {
  RecordedDisk* const disk = RecordedDisk::current();
  const auto call = [&] { return __real_fsync(fd); };
  return disk == nullptr ? call() : static_cast<int>(disk->OnFile(DiskOperation::Kind::kSync, fd, 0, "", call));
}

int __real_mkdir(const char* path, mode_t mode);
int __wrap_mkdir(const char* path, mode_t mode) {
  RecordedDisk* const disk = RecordedDisk::current();
  const auto call = [&] { return __real_mkdir(path, mode); };
  return disk == nullptr ? call() : disk->OnName(DiskOperation::Kind::kMakeDirectory, path, nullptr, call);
}

int __real_rename(const char* from, const char* to);
int __wrap_rename(const char* from, const char* to) {
  RecordedDisk* const disk = RecordedDisk::current();
  const auto call = [&] { return __real_rename(from, to); };
  return disk == nullptr ? call() : disk->OnName(DiskOperation::Kind::kRename, from, to, call);
}

int __real_renameat2(int from_directory, const char* from, int to_directory, const char* to, unsigned flags);
int __wrap_renameat2(int from_directory, const char* from, int to_directory, const char* to, unsigned flags) {
  RecordedDisk* const disk = RecordedDisk::current();
  const auto call = [&] { return __real_renameat2(from_directory, from, to_directory, to, flags); };
  return disk == nullptr ? call() : disk->OnName(DiskOperation::Kind::kRename, from, to, call);
}

int __real_unlink(const char* path);
int __wrap_unlink(const char* path) {
  RecordedDisk* const disk = RecordedDisk::current();
  const auto call = [&] { return __real_unlink(path); };
  return disk == nullptr ? call() : disk->OnName(DiskOperation::Kind::kRemove, path, nullptr, call);
}
}
