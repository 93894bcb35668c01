// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PLAN_MODULE_LIST_H_
#define QCONFIG_CORE_PLAN_MODULE_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/cancellation.h"
#include "core/limits.h"
#include "qconfig/v1/plan.pb.h"

namespace qconfig {

// The modules of a model, after the expansion of ranges. Takes the bytes of the names, 8 bytes for each module, and up
// to 32 bytes for each form; Expand() takes twice as much for the forms.
// Immutable. Refers to the messages that it was made of, which must outlive it.
class ModuleList {
 public:
  using Messages = google::protobuf::RepeatedPtrField<v1::Module>;

  // Modules have one form if they have the same type, shape and data type, and names that differ only in parts that are
  // numbers, except the last part. A model with 45,000 modules may have 20 forms, so what depends on nothing else is
  // computed once for each form.
  struct Form {
    const v1::Module* message;  // the type, shape and data type
    size_t first;               // the first module with this form
  };

  // INVALID_REQUEST: a range is malformed, or there are more than `limits.plan_modules` modules or
  // `limits.plan_name_bytes` bytes of names. An error of `token`: the computation was cancelled.
  static absl::StatusOr<ModuleList> Expand(const Messages& messages, const Limits& limits, CancellationToken& token);

  size_t size() const { return form_of_.size(); }
  absl::string_view name(size_t i) const { return absl::string_view(names_).substr(ends_[i], ends_[i + 1] - ends_[i]); }
  // In the order of their first modules.
  const std::vector<Form>& forms() const { return forms_; }
  // The index in forms().
  size_t form_of(size_t i) const { return form_of_[i]; }
  // The message of the form, for the type, shape and data type. Its name may be that of another module.
  const v1::Module& message(size_t i) const { return *forms_[form_of_[i]].message; }

 private:
  class FormNumbers;

  std::string names_;                 // of all modules, concatenated
  std::vector<uint32_t> ends_ = {0};  // where each name ends in `names_`; first the start
  std::vector<uint32_t> form_of_;     // by module
  std::vector<Form> forms_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_PLAN_MODULE_LIST_H_
