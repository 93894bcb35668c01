// SPDX-License-Identifier: Apache-2.0
#include "server/registry/storage/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>

namespace qconfig {

// Each value is the seed of the next, so the boundaries between values count too.
void Checksum::Add(absl::string_view bytes) {
  value_ = XXH3_64bits_withSeed(bytes.empty() ? "" : bytes.data(), bytes.size(), value_);
}

void Checksum::Add(int64_t number) {
  std::array<char, 8> bytes{};  // little-endian, on every machine
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(static_cast<uint64_t>(number) >> (8 * i));
  Add(absl::string_view(bytes.data(), bytes.size()));
}

}  // namespace qconfig
