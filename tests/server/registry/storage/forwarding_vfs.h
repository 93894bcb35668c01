// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FORWARDING_VFS_H_
#define QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FORWARDING_VFS_H_

#include <sqlite3.h>

#include <cstdint>

namespace qconfig {

// Registers itself between SQLite and the file system, and forwards every call. Subclasses override the calls that they
// observe or change.
// REQUIRES: connections that are opened during its lifetime are closed before it is destroyed. If several exist, the
// newest is destroyed first. Thread-safe, because connections on several threads may use it; overrides must be too.
class ForwardingVfs {
 public:
  ForwardingVfs(const ForwardingVfs&) = delete;
  ForwardingVfs& operator=(const ForwardingVfs&) = delete;

 protected:
  // An open file. SQLite reserves memory for this struct, followed by the file of the VFS below.
  struct File {
    sqlite3_file file;
    ForwardingVfs* vfs;
    const char* path;  // null: a temporary file
    int flags;         // SQLITE_OPEN_...
    int64_t number;    // for subclasses

    sqlite3_file* base() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  explicit ForwardingVfs(const char* name);
  virtual ~ForwardingVfs();

  virtual int Open(File& file, int* out_flags);
  virtual int Write(File& file, const void* bytes, int size, int64_t offset);
  virtual int Truncate(File& file, int64_t size);
  virtual int Sync(File& file, int flags);
  virtual int Delete(const char* path, int sync_directory);

  sqlite3_vfs* base() const { return base_; }

 private:
  static int OnOpen(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags);
  static const sqlite3_io_methods& Methods();
  static File& AsFile(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }

  sqlite3_vfs* const base_;
  sqlite3_vfs vfs_;
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FORWARDING_VFS_H_
