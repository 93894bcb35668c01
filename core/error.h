// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_ERROR_H_
#define QCONFIG_CORE_ERROR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "qconfig/v1/error.pb.h"

namespace qconfig {

// Builds an error that a client can act on. The reason decides the status code. The field path, the bad value, the
// accepted values and the nearest names are in the text and in a qconfig.v1.ErrorDetail.
//
//   return Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
//       .Field("spec.scheme").Value(name).NearestOf(names).ToStatus("no scheme has this name");
class Error {
 public:
  explicit Error(v1::ErrorReason reason);

  // The path of the request's field, such as "spec.layer_config[3].scheme". Adds a field violation too.
  Error& Field(absl::string_view path);
  // The bad value, made printable and cut to 128 characters.
  Error& Value(absl::string_view value);
  // The accepted values. The error names ten of them and says how many there are.
  Error& Allowed(const std::vector<absl::string_view>& values);
  // Suggests up to three names that are nearest to the value. REQUIRES: Value() was called.
  Error& NearestOf(const std::vector<absl::string_view>& names);
  Error& Tenant(absl::string_view tenant);
  Error& Catalog(absl::string_view catalog);
  // The name of the rule that a tensor's configuration breaks.
  Error& Rule(absl::string_view rule);
  // The oldest and the newest revision of the tenant's registry that can be read.
  Error& Revisions(int64_t first, int64_t newest);

  // What the caller can do, a sentence without its full stop. It ends the text.
  Error& Advice(absl::string_view advice);

  // The status. `problem` is the part of the text that says what is wrong.
  absl::Status ToStatus(absl::string_view problem) const;
  // The status of a request without a required field. REQUIRES: Field() was called.
  absl::Status ToRequiredStatus() const;

 private:
  absl::Status Build(const std::string& message, absl::string_view problem) const;

  v1::ItemError error_;
  bool has_value_ = false;
  std::string value_;  // not cut
  std::string advice_;
};

// What a client is told about a status that is not OK. A status that Error did not make has no reason.
v1::ItemError ItemErrorOf(const absl::Status& status);

// "TEMPLATE_NOT_FOUND" for ERROR_REASON_TEMPLATE_NOT_FOUND, as ErrorInfo.reason has it. Empty for UNSPECIFIED.
std::string ReasonName(v1::ErrorReason reason);

}  // namespace qconfig

#endif  // QCONFIG_CORE_ERROR_H_
