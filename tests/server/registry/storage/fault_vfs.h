// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FAULT_VFS_H_
#define QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FAULT_VFS_H_

#include <sqlite3.h>

#include <atomic>
#include <cstdint>

namespace qconfig {

// Registers itself between SQLite and the file system: counts syncs and injects failures.
// REQUIRES: only one exists at a time, and connections that are opened during its lifetime are closed before it is
// destroyed. Thread-safe, because connections on several threads may use it.
class FaultVfs {
 public:
  enum class Call { kWrite, kSync };
  enum class Fault { kFull, kIoError };  // a failed sync is always kIoError

  FaultVfs();
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  // The `n`th next call fails, counted from 1, and all later calls too if `forever`. Ends with Heal().
  void Fail(Call call, int64_t n, Fault fault, bool forever);
  void Heal();
  // The number of calls that have failed since Fail().
  int64_t failed() const { return failed_; }

  // The number of syncs of write-ahead logs since construction.
  int64_t log_syncs() const { return log_syncs_; }

 private:
  struct File;
  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags);
  static int Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset);
  static int Sync(sqlite3_file* file, int flags);
  bool Fails(Call call);

  sqlite3_vfs* const base_;
  sqlite3_vfs vfs_;
  std::atomic<Call> call_ = Call::kWrite;
  std::atomic<Fault> fault_ = Fault::kFull;
  std::atomic<bool> forever_ = false;
  std::atomic<int64_t> countdown_ = 0;  // 0: no call fails
  std::atomic<int64_t> failed_ = 0;
  std::atomic<int64_t> log_syncs_ = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FAULT_VFS_H_
