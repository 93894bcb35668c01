// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_REGISTRY_STORAGE_CHECKSUM_H_
#define QCONFIG_SERVER_REGISTRY_STORAGE_CHECKSUM_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace qconfig {

// A 64-bit checksum of a sequence of values, which detects damage but not forgery. It is stored in files, so it must
// never change. Not thread-safe.
class Checksum {
 public:
  void Add(absl::string_view bytes);
  void Add(int64_t number);

  int64_t value() const { return static_cast<int64_t>(value_); }

 private:
  uint64_t value_ = 0;
};

template <typename... Values>
int64_t ChecksumOf(const Values&... values) {
  Checksum checksum;
  (checksum.Add(values), ...);
  return checksum.value();
}

// Sums of checksums, which do not depend on the order and wrap around.
inline int64_t AddChecksum(int64_t sum, int64_t checksum) {
  return static_cast<int64_t>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(checksum));
}
inline int64_t RemoveChecksum(int64_t sum, int64_t checksum) {
  return static_cast<int64_t>(static_cast<uint64_t>(sum) - static_cast<uint64_t>(checksum));
}

}  // namespace qconfig

#endif  // QCONFIG_SERVER_REGISTRY_STORAGE_CHECKSUM_H_
