// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PLAN_TEXT_H_
#define QCONFIG_CORE_PLAN_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/finding_list.h"

namespace qconfig {

// A name or pattern for a message: printable, up to 128 characters, in double quotes.
std::string Quoted(absl::string_view text);

// The first five of `texts`, each Quoted(), and the number of the others.
std::string QuotedList(const std::vector<std::string>& texts);

// An option of qconfigctl with its value in single quotes, such as "--exclude '*router*'".
std::string Option(absl::string_view option, absl::string_view value);

// Options that exclude `pattern` and everything that the configuration excludes now. An exclusion in the request
// replaces those of the template, so these may be among the options.
std::string ExclusionOptions(const PlanContext& context, absl::string_view pattern);

// "1 module" or "3 modules".
std::string Modules(int64_t count);

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

#endif  // QCONFIG_CORE_PLAN_TEXT_H_
