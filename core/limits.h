// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_LIMITS_H_
#define QCONFIG_CORE_LIMITS_H_

#include <cstddef>

namespace qconfig {

// The limits of requests, answers and registries. The contract fixes those without an option of qconfigd; tests set
// them.
struct Limits {
  size_t message_bytes = 4u << 20;     // one request, --max-message-bytes
  size_t answer_bytes = 64u << 20;     // one answer, and all answers to a batch, --max-answer-bytes
  size_t tenant_entries = 20'000;      // schemes and templates of one tenant, --max-tenant-entries
  size_t tenant_bytes = 64u << 20;     // schemes and templates of one tenant, --max-tenant-bytes
  size_t name_chars = 128;             // a name of a scheme, template, catalogue or algorithm, or a module suffix
  size_t pattern_chars = 1024;         // a layer-name pattern or a module path
  size_t list_entries = 10'000;        // a list of overrides, exclusions or groups
  size_t batch_items = 1'000;          // a batch
  size_t algorithm_bytes = 16u << 20;  // the algorithms of one answer, in memory
  size_t entry_bytes = 512u << 10;     // a stored scheme or template
  size_t plan_modules = 500'000;       // the modules of a plan, after the expansion of ranges
  size_t plan_name_bytes = 64u << 20;  // their names
  size_t plan_runtimes = 16;           // the runtimes that a plan checks
  size_t plan_steps = 2'000'000'000;   // the steps of a plan, in the unit of CancellationToken
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_LIMITS_H_
