// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_RECORDED_DISK_H_
#define QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_RECORDED_DISK_H_

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tests/server/registry/storage/forwarding_vfs.h"

namespace qconfig {

// The contents of the files in a directory, by path. A path that ends with "/" is a directory.
using FileContents = std::map<std::string, std::string>;
FileContents ReadFiles(const std::string& directory);
void WriteFiles(const std::string& directory, const FileContents& files);

// A change of the disk, or a sync.
struct DiskOperation {
  enum class Kind { kMakeDirectory, kCreate, kRename, kRemove, kSyncDirectory, kWrite, kTruncate, kSync };
  Kind kind;
  int64_t file = 0;     // kCreate, kWrite, kTruncate, kSync: the file, whatever its name is
  std::string path{};   // the others: the name, or the directory. "": the recorded directory
  std::string to{};     // kRename
  int64_t offset = 0;   // kWrite; kTruncate: the new size
  std::string bytes{};  // kWrite

  bool IsSync() const { return kind == Kind::kSync || kind == Kind::kSyncDirectory; }
};

// A sequence of operations on a directory, and what a power loss may leave of it. This is the model:
// - After a sync of a file, all earlier writes to it and truncations of it survive.
// - Of other writes, any subset of the sectors survives, and of other truncations any subset.
// - Names are created, removed and changed in order, as by a journal: of the changes of a directory's names since the
//   directory was last synced, the first ones survive.
class DiskRecording {
 public:
  static constexpr int64_t kSectorBytes = 512;

  // Whether a sector of the operation survives. Sectors are counted from the first that a write touches; other
  // operations have sector 0 only.
  using Survives = std::function<bool(size_t operation, int64_t sector)>;

  DiskRecording(FileContents before, std::map<std::string, int64_t> files)
      : before_(std::move(before)), files_(std::move(files)) {}

  void Add(DiskOperation operation) { operations_.push_back(std::move(operation)); }
  // The index of SQLite's log, a mapped file whose writes cannot be seen, as it is after the last operation.
  void AddIndex(const std::string& path, std::string bytes);

  size_t size() const { return operations_.size(); }
  const DiskOperation& operation(size_t i) const { return operations_[i]; }
  // The operations before `end` that a power loss may undo, oldest first.
  std::vector<size_t> Unsynced(size_t end) const;

  // The files after a power loss before operation `end`.
  FileContents AfterPowerLoss(size_t end, const Survives& survives) const;
  // The indexes of logs that may be on the disk then, which is each state that they had.
  std::vector<FileContents> Indexes(size_t end) const;

 private:
  std::vector<bool> Durable(size_t end) const;

  const FileContents before_;
  const std::map<std::string, int64_t> files_;  // those in `before_`
  std::vector<DiskOperation> operations_;
  struct Index {
    size_t operations;
    std::string path;
    std::string bytes;
  };
  std::vector<Index> indexes_;
};

// Records what SQLite and server/registry/storage change in a directory and the directories in it. SQLite is observed
// through a VFS, and the other code at the calls of the system, which the linker redirects (see tests/CMakeLists.txt).
// What is there at first counts as synced. REQUIRES: only one exists at a time. Thread-safe.
class RecordedDisk : private ForwardingVfs {
 public:
  explicit RecordedDisk(const std::string& directory);
  ~RecordedDisk() override;

  // The number of operations so far.
  size_t operations() const;
  // REQUIRES: nothing uses the directory now.
  const DiskRecording& recording() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return recording_; }

  // For the redirected calls of the system: makes the call, and records it if it succeeds. Null: nothing is recorded.
  static RecordedDisk* current() { return current_; }
  int OnCreate(const char* path, const std::function<int()>& call);
  int OnName(DiskOperation::Kind kind, const char* path, const char* to, const std::function<int()>& call);
  int64_t OnFile(DiskOperation::Kind kind, int fd, int64_t offset, const std::string& bytes,
                 const std::function<int64_t()>& call);

 private:
  int Open(File& file, int* out_flags) override;
  int Write(File& file, const void* bytes, int size, int64_t offset) override;
  int Truncate(File& file, int64_t size) override;
  int Sync(File& file, int flags) override;
  int Delete(const char* path, int sync_directory) override;
  static int OnOpenDirectory(const char* path, int* fd);

  // The path within the directory; nullopt: it is elsewhere.
  std::optional<std::string> Within(const std::string& path) const;
  // Gives a new file a number, and records that it was created.
  int64_t AddFile(const std::string& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Add(DiskOperation operation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  static std::atomic<RecordedDisk*> current_;

  const std::string directory_;
  int (*open_directory_)(const char*, int*) = nullptr;  // SQLite's own
  mutable absl::Mutex mutex_;
  std::map<ino_t, int64_t> numbers_ ABSL_GUARDED_BY(mutex_);  // of files
  int64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string index_path_ ABSL_GUARDED_BY(mutex_);
  std::string index_ ABSL_GUARDED_BY(mutex_);
  DiskRecording recording_ ABSL_GUARDED_BY(mutex_);
};

// Makes SQLite's syncs do nothing, for tests in which no power is lost. Thread-safe.
class UnsyncedVfs : public ForwardingVfs {
 public:
  UnsyncedVfs() : ForwardingVfs("unsynced") {}

 private:
  int Sync(File&, int) override { return SQLITE_OK; }
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_RECORDED_DISK_H_
