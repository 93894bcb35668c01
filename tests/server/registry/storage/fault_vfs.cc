// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry/storage/fault_vfs.h"

#include <cerrno>

namespace qconfig {

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

int FaultVfs::Write(File& file, const void* bytes, int size, int64_t offset) {
  if (!Fails(Call::kWrite)) return ForwardingVfs::Write(file, bytes, size, offset);
  ForwardingVfs::Write(file, bytes, size / 2, offset);  // part of the data is written before the failure
  const bool full = fault_ == Fault::kFull;
  errno = full ? ENOSPC : EIO;
  return full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

int FaultVfs::Sync(File& file, int flags) {
  if (Fails(Call::kSync)) {
    errno = EIO;
    return SQLITE_IOERR_FSYNC;
  }
  if ((file.flags & SQLITE_OPEN_WAL) != 0) ++log_syncs_;
  return ForwardingVfs::Sync(file, flags);
}

}  // namespace qconfig
