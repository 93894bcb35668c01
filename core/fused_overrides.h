// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FUSED_OVERRIDES_H_
#define QCONFIG_CORE_FUSED_OVERRIDES_H_

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/fused_groups.h"
#include "core/pattern.h"
#include "core/warning_list.h"
#include "qconfig/v1/config_spec.pb.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// Finds patterns that configure or exclude only a part of the modules that runtimes fuse, such as "*q_proj" without
// "*k_proj". Compares patterns and not modules, so it only warns if no combination of the other patterns can give all
// parts the same configuration. Refers to the arguments of its constructor, which must outlive it.
class FusedOverrides {
 public:
  // `config` is what ResolveConfig() made of `spec`.
  FusedOverrides(const v1::ConfigSpec& spec, const v1::QConfig& config);

  // Warn, at `field`, if the pattern names a part of a fused module and another part has a different configuration.
  // Warn once for each fused module.
  void CheckOverride(const v1::LayerConfigEntry& entry, const std::string& field, WarningList& warnings);
  void CheckExclusion(const std::string& pattern, const std::string& field, WarningList& warnings);

 private:
  // Bounds the search to a few milliseconds. See kMaxCoverSteps in warnings.cc.
  static constexpr size_t kMaxSteps = 1'000'000;

  // Configurations by number: equal ones have the same number. Only weights and inputs count.
  using ConfigNumber = int;
  static constexpr ConfigNumber kNotQuantized = 0;

  struct Rule {
    absl::string_view text;
    Pattern pattern;
    ConfigNumber config;
  };
  // A part of a fused module, and which configurations its modules may have.
  struct Part {
    explicit Part(const std::string& text) : pattern(text) {}

    Pattern pattern;
    bool decided = false;  // whether a rule applies to all modules of the part
    std::set<ConfigNumber> configs;
  };
  enum class Difference { kNone, kConfig, kExclusion };
  struct Finding {
    Difference difference = Difference::kNone;
    std::vector<std::string> parts;  // the patterns of the other parts that differ in this way
  };

  void Prepare();
  ConfigNumber NumberOf(const v1::QLayerConfig& config);
  Finding Check(const std::string& pattern);
  Difference Compare(const FusedGroup& group, const std::string& pattern, const std::string& other);
  bool HaveEqualOverrides(const std::string& pattern, const std::string& other) const;
  // Adds what `rule` says about the parts. Returns false if it may apply to all modules of both.
  bool Apply(const Rule& rule, const FusedGroup& group, absl::string_view pattern, Part& part, Part& other);

  const v1::ConfigSpec& spec_;
  const v1::QConfig& config_;
  const std::vector<FusedGroup>& groups_;
  bool prepared_ = false;
  std::vector<Rule> rules_;                                         // in the order in which Quark looks at them
  absl::flat_hash_map<absl::string_view, ConfigNumber> overrides_;  // without wildcards, by name
  ConfigNumber fallback_ = kNotQuantized;                           // if no rule applies
  absl::flat_hash_map<std::string, ConfigNumber> numbers_;
  std::set<std::pair<std::string, const FusedGroup*>> reported_;  // by what precedes the part in the pattern
  size_t steps_ = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_FUSED_OVERRIDES_H_
