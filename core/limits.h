// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_LIMITS_H_
#define QCONFIG_CORE_LIMITS_H_

#include <cstddef>

namespace qconfig {

// What a request and a tenant's registry may hold at the most. The defaults are part of the contract; an operator may
// change them.
struct Limits {
  size_t message_bytes = 4u << 20;     // one request as it is received
  size_t name_chars = 128;             // scheme, template, catalogue, algorithm, module suffix
  size_t pattern_chars = 1024;         // layer-name pattern, module path
  size_t list_entries = 10'000;        // overrides, exclusions, groups
  size_t batch_items = 1'000;          // requests in one batch
  size_t answer_bytes = 64u << 20;     // one answer, and the answers to one batch together
  size_t algorithm_bytes = 16u << 20;  // the algorithms of one answer, in memory
  size_t entry_bytes = 512u << 10;     // one scheme or template as it is stored
  size_t tenant_schemes = 10'000;      // of one tenant
  size_t tenant_templates = 10'000;    // of one tenant
  size_t tenant_bytes = 64u << 20;     // schemes and templates of one tenant together
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_LIMITS_H_
