// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FAULT_VFS_H_
#define QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FAULT_VFS_H_

#include <atomic>
#include <cstdint>

#include "tests/server/registry/storage/forwarding_vfs.h"

namespace qconfig {

// Counts syncs and injects failures. Thread-safe, as a ForwardingVfs.
class FaultVfs : public ForwardingVfs {
 public:
  enum class Call { kWrite, kSync };
  enum class Fault { kFull, kIoError };  // a failed sync is always kIoError

  FaultVfs() : ForwardingVfs("fault") {}

  // The `n`th next call fails, counted from 1, and all later calls too if `forever`. Ends with Heal().
  void Fail(Call call, int64_t n, Fault fault, bool forever);
  void Heal();
  // The number of calls that have failed since Fail().
  int64_t failed() const { return failed_; }

  // The number of syncs of write-ahead logs since construction.
  int64_t log_syncs() const { return log_syncs_; }

 private:
  int Write(File& file, const void* bytes, int size, int64_t offset) override;
  int Sync(File& file, int flags) override;
  bool Fails(Call call);

  std::atomic<Call> call_ = Call::kWrite;
  std::atomic<Fault> fault_ = Fault::kFull;
  std::atomic<bool> forever_ = false;
  std::atomic<int64_t> countdown_ = 0;  // 0: no call fails
  std::atomic<int64_t> failed_ = 0;
  std::atomic<int64_t> log_syncs_ = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_FAULT_VFS_H_
