// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_ERROR_H_
#define QCONFIG_CORE_ERROR_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "qconfig/v1/error.pb.h"

namespace qconfig {

// Puts together a failure that a client can act on: the reason decides the status code, and the field path, the bad
// value, what is allowed and the nearest names stand both in the text and in machine-readable form.
//
//   return Error(v1::ERROR_REASON_SCHEME_NOT_FOUND).Field("scheme").Value(name).NearestOf(names).Because("no such
//   name");
class Error {
 public:
  explicit Error(v1::ErrorReason reason);

  // The path of the request's field, such as "layer_config[3].scheme". Makes a field violation too.
  Error& Field(absl::string_view path);
  // The bad value; made printable and cut to 128 characters.
  Error& Value(absl::string_view value);
  // The valid values; ten of them are named, and how many more there are.
  Error& Allowed(const std::vector<absl::string_view>& values);
  // Suggests the names that are nearest to the value, three at the most. REQUIRES: Value() was called.
  Error& NearestOf(const std::vector<absl::string_view>& names);
  Error& Tenant(absl::string_view tenant);
  Error& Catalog(absl::string_view catalog);
  // The name of the rule that a tensor's configuration breaks.
  Error& Rule(absl::string_view rule);

  // The status, of which `problem` is the part that says what is wrong.
  absl::Status Because(absl::string_view problem) const;

 private:
  v1::ItemError detail_;
  std::string value_;
};

// What a client is told about a status that is not OK. A status that Error did not make has no reason.
v1::ItemError ItemErrorOf(const absl::Status& status);

// "TEMPLATE_NOT_FOUND" for ERROR_REASON_TEMPLATE_NOT_FOUND, as ErrorInfo.reason has it. Empty for UNSPECIFIED.
std::string ReasonName(v1::ErrorReason reason);

}  // namespace qconfig

#endif  // QCONFIG_CORE_ERROR_H_
