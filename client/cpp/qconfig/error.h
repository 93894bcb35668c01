// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_ERROR_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "qconfig/v1/error.pb.h"

namespace qconfig::client {

// What the server said of a failed call. Without a reason when the failure is not the server's word, such as
// kUnavailable, or when the reason is one of a newer server. A failed item of a batch has the same in its `error`.
v1::ItemError ErrorOf(const absl::Status& status);

// "SCHEME_NOT_FOUND" for ERROR_REASON_SCHEME_NOT_FOUND; empty for UNSPECIFIED, and for one of a newer server.
std::string ReasonName(v1::ErrorReason reason);

// What the error's metadata says; empty when it does not.
std::string FieldOf(const v1::ItemError& error);       // the path of the request's field: "layer_config[3].scheme"
std::string ValueOf(const v1::ItemError& error);       // the bad value, cut to 128 characters
std::string AllowedOf(const v1::ItemError& error);     // what would have been taken, at most 10 names
std::string SuggestionOf(const v1::ItemError& error);  // names that were probably meant: "int4_wo_128, int4_wo_32"

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_ERROR_H_
