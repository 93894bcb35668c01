// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_RUNTIMES_EXPORTED_OVERRIDES_H_
#define QCONFIG_CORE_RUNTIMES_EXPORTED_OVERRIDES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/cancellation.h"
#include "core/plan/pattern_index.h"
#include "core/runtimes/runtime_rules.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// The overrides of an exported configuration, as a runtime reads them. The export sorts the keys of
// `layer_quant_config`, and runtimes take the first one that matches; an exact name has no precedence.
// Refers to the configuration, which must outlive it. Not thread-safe.
class ExportedOverrides {
 public:
  ExportedOverrides(const v1::QConfig& config, const Runtime& runtime);

  // Whether the runtime takes `pattern` as a literal name although Quark does not.
  static bool IsMisread(absl::string_view pattern, const Runtime& runtime);

  // The entry of `layer_quant_config` that the runtime uses for `name`. Null: none, so the global configuration.
  // An error of `token`: the computation was cancelled.
  absl::StatusOr<const v1::LayerQuantConfigEntry*> Find(absl::string_view name, CancellationToken& token);

  // The entry for the experts of `list`: one that Find() returns for the list, or else one with the exact name of an
  // expert.
  absl::StatusOr<const v1::LayerQuantConfigEntry*> FindForExperts(absl::string_view list, CancellationToken& token);

 private:
  using Entries = std::vector<const v1::LayerQuantConfigEntry*>;

  static Entries SortedEntries(const v1::QConfig& config, const Runtime& runtime);
  static std::vector<absl::string_view> Patterns(const Entries& entries);

  const Entries entries_;                          // sorted by pattern, without those that match nothing
  const std::vector<absl::string_view> patterns_;  // of `entries_`
  const PatternIndex index_;                       // of `patterns_`
  std::vector<uint32_t> matches_;                  // reused
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_RUNTIMES_EXPORTED_OVERRIDES_H_
