// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/tenant_list.h"

#include "server/registry/storage/checksum.h"

namespace qconfig {

void TenantList::Add(absl::string_view name) {
  const absl::MutexLock lock(&mutex_);
  names_.insert(ChecksumOf(name));
}

void TenantList::SetIncomplete() {
  const absl::MutexLock lock(&mutex_);
  is_complete_ = false;
}

bool TenantList::MayExist(absl::string_view name) const {
  const absl::MutexLock lock(&mutex_);
  return !is_complete_ || names_.contains(ChecksumOf(name));
}

size_t TenantList::size() const {
  const absl::MutexLock lock(&mutex_);
  return names_.size();
}

}  // namespace qconfig
