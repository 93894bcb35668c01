// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_PLAN_MODULE_LIST_H_
#define QCONFIG_CORE_PLAN_MODULE_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/cancellation.h"
#include "core/limits.h"
#include "qconfig/v1/plan.pb.h"

namespace qconfig {

// The modules of a model, after the expansion of ranges. Takes the bytes of the names and 8 bytes for each module.
// Immutable. Refers to the messages that it was made of, which must outlive it.
class ModuleList {
 public:
  using Messages = google::protobuf::RepeatedPtrField<v1::Module>;

  // INVALID_REQUEST: a range is malformed, or there are more than `limits.plan_modules` modules or
  // `limits.plan_name_bytes` bytes of names. An error of `token`: the computation was cancelled.
  static absl::StatusOr<ModuleList> Expand(const Messages& messages, const Limits& limits, CancellationToken& token);

  size_t size() const { return messages_of_.size(); }
  absl::string_view name(size_t i) const { return absl::string_view(names_).substr(ends_[i], ends_[i + 1] - ends_[i]); }
  // The message of the module, for its type, shape and data type. Modules of one message differ only in their names.
  const v1::Module& message(size_t i) const { return (*messages_)[static_cast<int>(messages_of_[i])]; }
  // The index of that message in the request.
  size_t message_index(size_t i) const { return messages_of_[i]; }

 private:
  const Messages* messages_ = nullptr;
  std::string names_;                  // of all modules, concatenated
  std::vector<uint32_t> ends_ = {0};   // where each name ends in `names_`; first the start
  std::vector<uint32_t> messages_of_;  // by module
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_PLAN_MODULE_LIST_H_
