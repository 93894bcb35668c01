// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_TENANT_LIST_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_TENANT_LIST_H_

#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace qconfig {

// The names of all tenants of a registry's file. A damaged index can make SQLite miss a row, and a missed tenant would
// look like one that has never written. Keeps 8 bytes for each name. Thread-safe.
class TenantList {
 public:
  void Add(absl::string_view name);
  // Some names are unknown because rows are damaged: from now on, any tenant may exist.
  void SetIncomplete();

  // False: the file has no such tenant. A tenant that is being added may exist already.
  bool MayExist(absl::string_view name) const;
  size_t size() const;

 private:
  mutable absl::Mutex mutex_;
  absl::flat_hash_set<int64_t> names_ ABSL_GUARDED_BY(mutex_);  // their checksums
  bool is_complete_ ABSL_GUARDED_BY(mutex_) = true;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_TENANT_LIST_H_
