// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry/storage/forwarding_vfs.h"

#include <cstdlib>
#include <new>

namespace qconfig {

ForwardingVfs::ForwardingVfs(const char* name) : base_(sqlite3_vfs_find(nullptr)), vfs_(*base_) {
  vfs_.zName = name;
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + base_->szOsFile;
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.xOpen = &ForwardingVfs::OnOpen;
  vfs_.xDelete = [](sqlite3_vfs* vfs, const char* path, int sync_directory) {
    return static_cast<ForwardingVfs*>(vfs->pAppData)->Delete(path, sync_directory);
  };
  if (sqlite3_vfs_register(&vfs_, /*makeDflt=*/1) != SQLITE_OK) std::abort();
}

ForwardingVfs::~ForwardingVfs() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(base_, /*makeDflt=*/1);
}

int ForwardingVfs::Open(File& file, int* out_flags) {
  return base_->xOpen(base_, file.path, file.base(), file.flags, out_flags);
}

int ForwardingVfs::Write(File& file, const void* bytes, int size, int64_t offset) {
  return file.base()->pMethods->xWrite(file.base(), bytes, size, offset);
}

int ForwardingVfs::Truncate(File& file, int64_t size) { return file.base()->pMethods->xTruncate(file.base(), size); }

int ForwardingVfs::Sync(File& file, int flags) { return file.base()->pMethods->xSync(file.base(), flags); }

int ForwardingVfs::Delete(const char* path, int sync_directory) { return base_->xDelete(base_, path, sync_directory); }

int ForwardingVfs::OnOpen(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  auto* const self = static_cast<ForwardingVfs*>(vfs->pAppData);
  auto* const opened = new (file) File{{}, self, path, flags, 0};
  opened->base()->pMethods = nullptr;
  const int code = self->Open(*opened, out_flags);
  if (opened->base()->pMethods != nullptr) file->pMethods = &Methods();
  return code;
}

const sqlite3_io_methods& ForwardingVfs::Methods() {
  static const sqlite3_io_methods kMethods = [] {
    sqlite3_io_methods methods{};
    methods.iVersion = 2;  // disables memory-mapped I/O
    methods.xWrite = [](sqlite3_file* f, const void* bytes, int size, sqlite3_int64 offset) {
      return AsFile(f).vfs->Write(AsFile(f), bytes, size, offset);
    };
    methods.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) { return AsFile(f).vfs->Truncate(AsFile(f), size); };
    methods.xSync = [](sqlite3_file* f, int flags) { return AsFile(f).vfs->Sync(AsFile(f), flags); };
    methods.xClose = [](sqlite3_file* f) { return AsFile(f).base()->pMethods->xClose(AsFile(f).base()); };
    methods.xRead = [](sqlite3_file* f, void* bytes, int size, sqlite3_int64 offset) {
      return AsFile(f).base()->pMethods->xRead(AsFile(f).base(), bytes, size, offset);
    };
    methods.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      return AsFile(f).base()->pMethods->xFileSize(AsFile(f).base(), size);
    };
    methods.xLock = [](sqlite3_file* f, int lock) { return AsFile(f).base()->pMethods->xLock(AsFile(f).base(), lock); };
    methods.xUnlock = [](sqlite3_file* f, int lock) {
      return AsFile(f).base()->pMethods->xUnlock(AsFile(f).base(), lock);
    };
    methods.xCheckReservedLock = [](sqlite3_file* f, int* reserved) {
      return AsFile(f).base()->pMethods->xCheckReservedLock(AsFile(f).base(), reserved);
    };
    methods.xFileControl = [](sqlite3_file* f, int operation, void* argument) {
      return AsFile(f).base()->pMethods->xFileControl(AsFile(f).base(), operation, argument);
    };
    methods.xSectorSize = [](sqlite3_file* f) { return AsFile(f).base()->pMethods->xSectorSize(AsFile(f).base()); };
    methods.xDeviceCharacteristics = [](sqlite3_file* f) {
      return AsFile(f).base()->pMethods->xDeviceCharacteristics(AsFile(f).base());
    };
    methods.xShmMap = [](sqlite3_file* f, int region, int size, int extend, void volatile** map) {
      return AsFile(f).base()->pMethods->xShmMap(AsFile(f).base(), region, size, extend, map);
    };
    methods.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
      return AsFile(f).base()->pMethods->xShmLock(AsFile(f).base(), offset, n, flags);
    };
    methods.xShmBarrier = [](sqlite3_file* f) { AsFile(f).base()->pMethods->xShmBarrier(AsFile(f).base()); };
    methods.xShmUnmap = [](sqlite3_file* f, int remove) {
      return AsFile(f).base()->pMethods->xShmUnmap(AsFile(f).base(), remove);
    };
    return methods;
  }();
  return kMethods;
}

}  // namespace qconfig
