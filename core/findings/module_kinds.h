// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_FINDINGS_MODULE_KINDS_H_
#define QCONFIG_CORE_FINDINGS_MODULE_KINDS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/cancellation.h"
#include "core/fused_groups.h"
#include "core/plan/module_list.h"
#include "core/status_macros.h"

namespace qconfig {

// The part of a module's name after the last dot.
inline absl::string_view LastComponent(absl::string_view name) { return name.substr(name.rfind('.') + 1); }

// The part of a module's name before the last dot. Empty if there is no dot.
inline absl::string_view ParentName(absl::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == absl::string_view::npos ? "" : name.substr(0, dot);
}

// What the searches for findings need to know about the names and types of modules. Immutable.
class ModuleKinds {
 public:
  struct Kind {
    absl::string_view last;  // the last component of the module's name
    bool is_linear;
    bool is_expert;
  };

  // `modules` must outlive the result. An error of `token`: the computation was cancelled.
  static absl::StatusOr<ModuleKinds> Make(const ModuleList& modules, CancellationToken& token) {
    ModuleKinds made(modules);
    made.kinds_.reserve(modules.forms().size());
    for (const ModuleList::Form& form : modules.forms()) {
      const absl::string_view name = modules.name(form.first);
      QCONFIG_RETURN_IF_ERROR(token.Spend(2 * name.size() + 1));
      made.kinds_.push_back(
          {LastComponent(name), form.message->type() == "Linear", absl::StrContains(name, made.list_)});
    }
    return made;
  }

  const Kind& Of(size_t i) const { return kinds_[modules_->form_of(i)]; }
  // By form.
  const std::vector<Kind>& kinds() const { return kinds_; }

  // The name under which a runtime looks all experts of a layer up: that of their list. REQUIRES: `i` is an expert.
  absl::string_view ExpertList(size_t i) const {
    const absl::string_view name = modules_->name(i);
    return name.substr(0, name.find(list_) + list_.size() - 1);
  }

 private:
  explicit ModuleKinds(const ModuleList& modules)
      : modules_(&modules), list_(absl::StrCat(".", BuiltinFusedGroups().expert_list(), ".")) {}

  const ModuleList* modules_;
  std::string list_;  // with dots around it
  std::vector<Kind> kinds_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_FINDINGS_MODULE_KINDS_H_
