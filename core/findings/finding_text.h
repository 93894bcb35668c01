// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_FINDING_TEXT_H_
#define QCONFIG_CORE_FINDINGS_FINDING_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/findings/finding_list.h"
#include "qconfig/v1/plan.pb.h"
#include "qconfig/v1/quantization.pb.h"

namespace qconfig {

// The quantized tensors of `config` for a message, such as "weight int4 per_group 128, input fp8_e4m3 per_tensor".
std::string DescribeConfig(const v1::QLayerConfig& config);

// The pattern of `rule` in quotes, or what takes its place, such as "the global configuration".
std::string DescribeRule(const v1::LayerRule& rule);

// The scheme that the request gives to the modules of `rule`. Empty if the request does not name it.
std::string SchemeOfRule(const v1::ConfigSpec& spec, const v1::LayerRule& rule);

// "--layer 'PATTERN=SCHEME'", safe for a shell.
std::string LayerOption(absl::string_view pattern, absl::string_view scheme);

// "--exclude 'PATTERN'" for each exclusion of the request or the template except `removed`, and for `added`. Empty if
// there are too many to paste.
std::string ExcludeOptions(const PlanContext& context, const std::vector<std::string>& added,
                           absl::string_view removed = "");

// The modules to which a finding applies, collected before the finding exists.
class AffectedModules {
 public:
  void Add(size_t module);

  // REQUIRES: Add() was called.
  size_t first() const { return first_.front(); }
  int64_t count() const { return count_; }
  void CopyTo(const ModuleList& modules, v1::Finding& finding) const;

 private:
  std::vector<size_t> first_;
  int64_t count_ = 0;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_FINDING_TEXT_H_
