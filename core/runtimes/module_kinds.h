// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_RUNTIMES_MODULE_KINDS_H_
#define QCONFIG_CORE_RUNTIMES_MODULE_KINDS_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/fused_groups.h"
#include "core/plan/module_list.h"

namespace qconfig {

// The part of a module's name after the last dot.
inline absl::string_view LastComponent(absl::string_view name) { return name.substr(name.rfind('.') + 1); }

// The part of a module's name before the last dot. Empty if there is no dot.
inline absl::string_view ParentName(absl::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == absl::string_view::npos ? "" : name.substr(0, dot);
}

// What the searches for findings need to know about the names and types of modules. Analyzes each message once, because
// the names of its modules differ only in numbers, unless the last component has a range. Not thread-safe.
class ModuleKinds {
 public:
  struct Kind {
    absl::string_view last;  // the last component of the module's name
    bool is_linear = false;
    bool is_expert = false;
    size_t number = 0;  // of the analysis: modules with the same number have the same kind
  };

  explicit ModuleKinds(const ModuleList& modules)
      : modules_(modules), list_(absl::StrCat(".", BuiltinFusedGroups().expert_list(), ".")) {}

  // Fast if the module before `i` was the last one asked for.
  const Kind& Of(size_t i) {
    if (message_ != modules_.message_index(i) || last_varies_) Analyze(i);
    return kind_;
  }

  // The name under which a runtime looks all experts of a layer up: that of their list. REQUIRES: `i` is an expert.
  absl::string_view ExpertList(size_t i) const {
    const absl::string_view name = modules_.name(i);
    return name.substr(0, name.find(list_) + list_.size() - 1);
  }

 private:
  void Analyze(size_t i) {
    message_ = modules_.message_index(i);
    const v1::Module& message = modules_.message(i);
    // A range has dots itself, so that the text after the last dot is "60}" if the last component is "{0..60}".
    last_varies_ = absl::StrContains(LastComponent(message.name()), '}');
    kind_.last = LastComponent(last_varies_ ? modules_.name(i) : absl::string_view(message.name()));
    kind_.is_linear = message.type() == "Linear";
    kind_.is_expert = IsExpert(message.name());
    ++kind_.number;
  }

  bool IsExpert(absl::string_view name) {
    // The experts of a layer often follow each other.
    if (!prefix_.empty() && absl::StartsWith(name, prefix_)) return true;
    const size_t list = name.find(list_);
    if (list == absl::string_view::npos) return false;
    prefix_ = name.substr(0, list + list_.size());
    return true;
  }

  const ModuleList& modules_;
  const std::string list_;    // with dots around it
  absl::string_view prefix_;  // of the last expert, up to the expert's number
  std::optional<size_t> message_;
  bool last_varies_ = false;  // whether the last component of the message's name has a range
  Kind kind_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_RUNTIMES_MODULE_KINDS_H_
