// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_EXCLUDED_OVERRIDES_H_
#define QCONFIG_CORE_EXCLUDED_OVERRIDES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "core/catalog.h"
#include "core/pattern.h"
#include "qconfig/v1/config_spec.pb.h"
#include "qconfig/v1/registry.pb.h"

namespace qconfig {

// Finds overrides that never apply because their layers are excluded. Quark looks at exclusions first.
// Refers to the arguments of its constructor, which must outlive it.
class ExcludedOverrides {
 public:
  ExcludedOverrides(const CatalogTraits& traits, const v1::ConfigSpec& spec, const v1::LlmTemplate& llm_template);

  // Why an override of `text`, compiled to `pattern`, never applies, and what to do about it. Empty if it may apply, or
  // if the search has taken too many steps.
  std::string Explain(const std::string& text, const Pattern& pattern);

 private:
  // Bounds the search to a few milliseconds. See kMaxCoverSteps in warnings.cc.
  static constexpr size_t kMaxSteps = 1'000'000;

  struct Exclusion {
    const std::string& text;
    std::vector<Pattern> patterns;  // two if the catalogue expands the exclusion
  };

  bool Excludes(const Exclusion& exclusion, const std::string& text, const Pattern& pattern);
  std::string ExplainTemplate(const std::vector<bool>& excludes) const;

  const v1::LlmTemplate& llm_template_;
  const bool from_template_;  // whether the exclusions are the template's
  std::vector<Exclusion> exclusions_;
  size_t steps_ = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_EXCLUDED_OVERRIDES_H_
