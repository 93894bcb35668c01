// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry/storage/fault_vfs.h"

#include <cerrno>
#include <cstdlib>
#include <new>

namespace qconfig {

// SQLite reserves vfs_.szOsFile bytes: this struct, followed by the file of base_.
struct FaultVfs::File {
  sqlite3_file file;
  sqlite3_io_methods methods;
  FaultVfs* vfs;
  bool is_log;

  static File* From(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  sqlite3_file* base() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultVfs::FaultVfs() : base_(sqlite3_vfs_find(nullptr)), vfs_(*base_) {
  vfs_.zName = "fault";
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + base_->szOsFile;
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.xOpen = &FaultVfs::Open;
  if (sqlite3_vfs_register(&vfs_, /*makeDflt=*/1) != SQLITE_OK) std::abort();
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(&vfs_); }

void FaultVfs::Fail(Call call, int64_t n, Fault fault, bool forever) {
  call_ = call;
  fault_ = fault;
  forever_ = forever;
  failed_ = 0;
  countdown_ = n;
}

void FaultVfs::Heal() { countdown_ = 0; }

bool FaultVfs::Fails(Call call) {
  if (call != call_) return false;
  int64_t left = countdown_;
  while (left > 0 && !countdown_.compare_exchange_weak(left, left == 1 && forever_ ? 1 : left - 1)) {
  }
  if (left != 1) return false;
  ++failed_;
  return true;
}

int FaultVfs::Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* const self = static_cast<FaultVfs*>(vfs->pAppData);
  auto* const opened = new (file) File();
  opened->vfs = self;
  opened->is_log = (flags & SQLITE_OPEN_WAL) != 0;
  const int code = self->base_->xOpen(self->base_, name, opened->base(), flags, out_flags);
  if (opened->base()->pMethods == nullptr) return code;
  sqlite3_io_methods& methods = opened->methods;
  methods.iVersion = 2;  // disables memory-mapped I/O
  methods.xClose = [](sqlite3_file* f) { return File::From(f)->base()->pMethods->xClose(File::From(f)->base()); };
  methods.xRead = [](sqlite3_file* f, void* bytes, int size, sqlite3_int64 offset) {
    return File::From(f)->base()->pMethods->xRead(File::From(f)->base(), bytes, size, offset);
  };
  methods.xWrite = &FaultVfs::Write;
  methods.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
    return File::From(f)->base()->pMethods->xTruncate(File::From(f)->base(), size);
  };
  methods.xSync = &FaultVfs::Sync;
  methods.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
    return File::From(f)->base()->pMethods->xFileSize(File::From(f)->base(), size);
  };
  methods.xLock = [](sqlite3_file* f, int lock) {
    return File::From(f)->base()->pMethods->xLock(File::From(f)->base(), lock);
  };
  methods.xUnlock = [](sqlite3_file* f, int lock) {
    return File::From(f)->base()->pMethods->xUnlock(File::From(f)->base(), lock);
  };
  methods.xCheckReservedLock = [](sqlite3_file* f, int* reserved) {
    return File::From(f)->base()->pMethods->xCheckReservedLock(File::From(f)->base(), reserved);
  };
  methods.xFileControl = [](sqlite3_file* f, int operation, void* argument) {
    return File::From(f)->base()->pMethods->xFileControl(File::From(f)->base(), operation, argument);
  };
  methods.xSectorSize = [](sqlite3_file* f) {
    return File::From(f)->base()->pMethods->xSectorSize(File::From(f)->base());
  };
  methods.xDeviceCharacteristics = [](sqlite3_file* f) {
    return File::From(f)->base()->pMethods->xDeviceCharacteristics(File::From(f)->base());
  };
  methods.xShmMap = [](sqlite3_file* f, int region, int size, int extend, void volatile** map) {
    return File::From(f)->base()->pMethods->xShmMap(File::From(f)->base(), region, size, extend, map);
  };
  methods.xShmLock = [](sqlite3_file* f, int offset, int n, int lock_flags) {
    return File::From(f)->base()->pMethods->xShmLock(File::From(f)->base(), offset, n, lock_flags);
  };
  methods.xShmBarrier = [](sqlite3_file* f) { File::From(f)->base()->pMethods->xShmBarrier(File::From(f)->base()); };
  methods.xShmUnmap = [](sqlite3_file* f, int remove) {
    return File::From(f)->base()->pMethods->xShmUnmap(File::From(f)->base(), remove);
  };
  file->pMethods = &methods;
  return code;
}

int FaultVfs::Write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  File* const self = File::From(file);
  if (!self->vfs->Fails(Call::kWrite)) return self->base()->pMethods->xWrite(self->base(), bytes, size, offset);
  // Part of the data is written before the failure.
  self->base()->pMethods->xWrite(self->base(), bytes, size / 2, offset);
  const bool full = self->vfs->fault_ == Fault::kFull;
  errno = full ? ENOSPC : EIO;
  return full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

int FaultVfs::Sync(sqlite3_file* file, int flags) {
  File* const self = File::From(file);
  if (self->vfs->Fails(Call::kSync)) {
    errno = EIO;
    return SQLITE_IOERR_FSYNC;
  }
  if (self->is_log) ++self->vfs->log_syncs_;
  return self->base()->pMethods->xSync(self->base(), flags);
}

}  // namespace qconfig
