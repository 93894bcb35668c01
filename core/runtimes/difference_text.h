// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_RUNTIMES_DIFFERENCE_TEXT_H_
#define QCONFIG_CORE_RUNTIMES_DIFFERENCE_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "core/findings/finding_list.h"
#include "core/runtimes/runtime_rules.h"

namespace qconfig {

// Why a runtime reads another configuration for modules than Quark used.
struct Difference {
  v1::FindingCode code;
  uint32_t rule;                          // of Quark: an index in LayerPlan::rules
  const v1::LayerQuantConfigEntry* read;  // what the runtime uses; null: the global configuration

  bool operator==(const Difference& other) const {
    return code == other.code && rule == other.rule && read == other.read;
  }
  template <typename H>
  friend H AbslHashValue(H h, const Difference& difference) {
    return H::combine(std::move(h), static_cast<int>(difference.code), difference.rule, difference.read);
  }
};

// The texts of the finding about a difference. Refers to its arguments, which must outlive it. Immutable.
class DifferenceText {
 public:
  // `example` is one of the modules.
  DifferenceText(const PlanContext& context, const Runtime& runtime, const Difference& difference, size_t example)
      : context_(context), runtime_(runtime), difference_(difference), example_(example) {}

  std::string Message() const;
  std::string Fix() const;

 private:
  const v1::LayerRule& rule() const { return context_.plan.rules[difference_.rule]; }
  // What the runtime and Quark use.
  std::string Comparison() const;
  // The overrides with other spellings, so that they have the same order for Quark and the runtime.
  std::string ReorderingFix() const;
  // The same configuration for all parts of the fused module and for the fused module itself.
  std::string QkvFix() const;
  // The scheme of the override that the runtime reads. Empty if the request does not name it.
  std::string ReadScheme() const;

  const PlanContext& context_;
  const Runtime& runtime_;
  const Difference& difference_;
  const size_t example_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_RUNTIMES_DIFFERENCE_TEXT_H_
