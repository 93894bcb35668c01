// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/request_id.h"

#include <cstdint>
#include <random>

#include "absl/strings/str_format.h"

namespace qconfig::client {

std::string NewRequestId() {
  std::random_device random;
  const auto word = [&random] { return static_cast<uint32_t>(random()); };
  const uint32_t version_4 = (word() & 0x0FFFu) | 0x4000u;
  const uint32_t variant = (word() & 0x3FFFu) | 0x8000u;
  return absl::StrFormat("%08x-%04x-%04x-%04x-%04x%08x", word(), word() & 0xFFFFu, version_4, variant, word() & 0xFFFFu,
                         word());
}

}  // namespace qconfig::client
