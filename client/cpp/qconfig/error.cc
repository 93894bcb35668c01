// SPDX-License-Identifier: Apache-2.0
#include "qconfig/error.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "qconfig/call_status.h"
#include "qconfig/status_details.pb.h"

namespace qconfig::client {
namespace {

constexpr absl::string_view kPayloadType = "type.googleapis.com/qconfig.v1.ItemError";
constexpr absl::string_view kReasonPrefix = "ERROR_REASON_";

constexpr absl::string_view kDomain = "qconfig.dev";

// Parses `detail` into `message` if it has the type `name`. Returns whether it did.
template <typename Message>
bool Unpack(const wire::Detail& detail, absl::string_view name, Message& message) {
  const absl::string_view type = detail.type_url();
  return type.substr(type.rfind('/') + 1) == name && message.ParseFromString(detail.value());
}

v1::ItemError Decode(const grpc::Status& status) {
  v1::ItemError error;
  error.set_code(status.error_code());
  error.set_message(status.error_message());
  wire::Status details;
  if (!details.ParseFromString(status.error_details())) return error;
  bool has_info = false;
  for (const wire::Detail& detail : details.details()) {
    wire::ErrorInfo info;
    wire::BadRequest bad_request;
    v1::ErrorDetail error_detail;
    if (Unpack(detail, "google.rpc.ErrorInfo", info) && info.domain() == kDomain) {
      has_info = true;
      v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
      v1::ErrorReason_Parse(absl::StrCat(kReasonPrefix, info.reason()), &reason);
      error.set_reason(reason);
      *error.mutable_metadata() = info.metadata();
    } else if (Unpack(detail, "google.rpc.BadRequest", bad_request)) {
      for (const wire::FieldViolation& violation : bad_request.field_violations()) {
        v1::FieldViolation& copy = *error.add_field_violations();
        copy.set_field(violation.field());
        copy.set_description(violation.description());
      }
    } else if (Unpack(detail, "qconfig.v1.ErrorDetail", error_detail)) {
      *error.mutable_detail() = std::move(error_detail);
    }
  }
  if (!has_info) error.clear_detail();  // the error is not from qconfig
  return error;
}

}  // namespace

absl::Status ToAbslStatus(const grpc::Status& status) {
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  result.SetPayload(kPayloadType, absl::Cord(Decode(status).SerializeAsString()));
  return result;
}

v1::ItemError ErrorOf(const absl::Status& status) {
  v1::ItemError error;
  const auto payload = status.GetPayload(kPayloadType);
  if (!payload.has_value() || !error.ParseFromString(std::string(*payload))) {
    error.set_code(status.raw_code());
    error.set_message(std::string(status.message()));
  }
  return error;
}

std::string ReasonName(v1::ErrorReason reason) {
  if (reason == v1::ERROR_REASON_UNSPECIFIED) return "";
  return std::string(absl::StripPrefix(v1::ErrorReason_Name(reason), kReasonPrefix));
}

}  // namespace qconfig::client
