// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_WARNING_LIST_H_
#define QCONFIG_CORE_WARNING_LIST_H_

#include <google/protobuf/repeated_field.h>

#include <map>
#include <string>

#include "qconfig/v1/config_service.pb.h"

namespace qconfig {

// The warnings about a request. Keeps the first kMaxOfCode of each code.
class WarningList {
 public:
  static constexpr int kMaxOfCode = 100;

  // Whether the list drops further warnings of `code`, so that their messages need not be made.
  bool IsFull(v1::WarningCode code) const;

  // Adds a warning about `value` at `field`, the path of a field in the request.
  void Add(v1::WarningCode code, const std::string& field, const std::string& value, std::string message);

  // Leaves the list empty.
  google::protobuf::RepeatedPtrField<v1::Warning> Take();

 private:
  std::map<v1::WarningCode, int> counts_;
  google::protobuf::RepeatedPtrField<v1::Warning> warnings_;
};

}  // namespace qconfig

#endif  // QCONFIG_CORE_WARNING_LIST_H_
