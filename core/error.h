// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_ERROR_H_
#define QCONFIG_CORE_ERROR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/names/name_resolver.h"
#include "qconfig/v1/error.pb.h"
#include "qconfig/v1/plan.pb.h"

namespace qconfig {

// Builds the error of a request. The reason determines the status code. The field path, the invalid value, the accepted
// values and the nearest names go into the text and into a qconfig.v1.ErrorDetail.
//
//   return Error(v1::ERROR_REASON_SCHEME_NOT_FOUND)
//       .Field("spec.scheme").Value(name).Suggest(NameKind::kScheme, names).ToStatus("no scheme has this name");
class Error {
 public:
  explicit Error(v1::ErrorReason reason);

  // The path of the field in the request, such as "spec.layer_config[3].scheme". Also adds a field violation.
  Error& Field(absl::string_view path);
  // The invalid value, made printable and truncated to 128 characters.
  Error& Value(absl::string_view value);
  // The accepted values. The error lists up to ten of them, and their total number.
  Error& Allowed(const std::vector<absl::string_view>& values);
  // Suggests up to three names that the value probably means; see ResolveName(). REQUIRES: Value() was called.
  Error& Suggest(NameKind kind, const std::vector<absl::string_view>& names, const CatalogOfName& catalog_of = nullptr);
  Error& Tenant(absl::string_view tenant);
  Error& Catalog(absl::string_view catalog);
  // The rule that a tensor configuration violates, or why a credential is not accepted.
  Error& Rule(absl::string_view rule);
  // The role that the caller does not have, such as "editor".
  Error& RequiredRole(absl::string_view role);
  // How long the caller must wait before the call is allowed, in milliseconds.
  Error& RetryAfterMs(int64_t milliseconds);
  // The oldest and the newest readable revision of the tenant's registry.
  Error& Revisions(int64_t first, int64_t newest);
  // The findings that make a call fail, and how many there are. Keeps as many as fit into a status;
  // the first keeps fewer modules if it would not fit otherwise.
  Error& Findings(const std::vector<v1::Finding>& findings, int64_t total);

  // What the caller can do: a sentence at the end of the text, without the full stop. Adds to earlier advice.
  Error& Advice(absl::string_view advice);

  // The status. `problem` is the part of the text that describes the error.
  absl::Status ToStatus(absl::string_view problem) const;
  // The status for a missing required field. REQUIRES: Field() was called.
  absl::Status ToRequiredStatus() const;

 private:
  absl::Status Build(const std::string& message, absl::string_view problem) const;

  v1::ItemError error_;
  bool has_value_ = false;
  std::string value_;        // not truncated
  std::string suggestions_;  // ResolutionText()
  std::string advice_;       // sentences
};

// The error, which says in addition that the entry was removed after `revision`, the last revision that has it, and how
// to get it back. The entry itself is the only suggestion. REQUIRES: `error` is SCHEME_NOT_FOUND or TEMPLATE_NOT_FOUND
// for a value that the registry once had.
absl::Status SuggestRemoved(const absl::Status& error, int64_t revision);

// The details of an error for a client. Only a status that Error created has a reason.
v1::ItemError ItemErrorOf(const absl::Status& status);

// The status with the code, the message and the details of `error`.
absl::Status StatusOf(const v1::ItemError& error);

// "TEMPLATE_NOT_FOUND" for ERROR_REASON_TEMPLATE_NOT_FOUND, the form of ErrorInfo.reason. Empty for UNSPECIFIED.
std::string ReasonName(v1::ErrorReason reason);

}  // namespace qconfig

#endif  // QCONFIG_CORE_ERROR_H_
