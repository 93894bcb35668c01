// SPDX-License-Identifier: Apache-2.0
#include "server/options/removed_options.h"

#include "absl/strings/str_cat.h"
#include "core/limits.h"

namespace qconfig {
namespace {

std::string FixedAt(size_t number, absl::string_view unit) {
  return absl::StrCat("the API fixes this limit at ", number, " ", unit, ". Remove it from your configuration");
}

}  // namespace

const std::vector<RemovedOption>& RemovedOptions() {
  static const auto* const kRemoved = [] {
    const Limits limits;
    const std::string quota =
        "--max-tenant-entries replaces it, and limits schemes and templates together. Set that instead";
    return new std::vector<RemovedOption>{
        {"max-name-chars", FixedAt(limits.name_chars, "characters")},
        {"max-pattern-chars", FixedAt(limits.pattern_chars, "characters")},
        {"max-list-entries", FixedAt(limits.list_entries, "entries")},
        {"max-batch-items", FixedAt(limits.batch_items, "requests")},
        {"max-algorithm-bytes", FixedAt(limits.algorithm_bytes, "bytes")},
        {"min-revision-wait-seconds", FixedAt(30, "seconds")},
        {"max-tenant-schemes", quota},
        {"max-tenant-templates", quota},
    };
  }();
  return *kRemoved;
}

std::string RemovalNotice(absl::string_view name) {
  for (const RemovedOption& removed : RemovedOptions()) {
    if (removed.name == name) return absl::StrCat("was removed: ", removed.reason);
  }
  return "";
}

}  // namespace qconfig
