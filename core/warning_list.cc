// SPDX-License-Identifier: Apache-2.0
#include "core/warning_list.h"

#include <utility>

namespace qconfig {

bool WarningList::IsFull(v1::WarningCode code) const {
  const auto it = counts_.find(code);
  return it != counts_.end() && it->second >= kMaxOfCode;
}

void WarningList::Add(v1::WarningCode code, const std::string& field, const std::string& value, std::string message) {
  if (IsFull(code)) return;
  ++counts_[code];
  v1::Warning& warning = *warnings_.Add();
  warning.set_code(code);
  warning.set_field(field);
  warning.set_value(value);
  warning.set_message(std::move(message));
}

google::protobuf::RepeatedPtrField<v1::Warning> WarningList::Take() {
  counts_.clear();
  return std::exchange(warnings_, {});
}

}  // namespace qconfig
