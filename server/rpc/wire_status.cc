// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/wire_status.h"

#include <algorithm>
#include <string>

#include "core/error.h"
#include "core/utf8.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace qconfig {
namespace {

grpc::Status Encode(const v1::ItemError& error) {
  google::rpc::Status status;
  status.set_code(error.code());
  status.set_message(error.message());
  if (error.reason() != v1::ERROR_REASON_UNSPECIFIED) {
    google::rpc::ErrorInfo info;
    info.set_reason(ReasonName(error.reason()));
    info.set_domain("qconfig.dev");
    *info.mutable_metadata() = error.metadata();
    status.add_details()->PackFrom(info);
  }
  if (!error.field_violations().empty()) {
    google::rpc::BadRequest bad_request;
    for (const v1::FieldViolation& violation : error.field_violations()) {
      auto& copy = *bad_request.add_field_violations();
      copy.set_field(violation.field());
      copy.set_description(violation.description());
    }
    status.add_details()->PackFrom(bad_request);
  }
  if (error.has_detail()) status.add_details()->PackFrom(error.detail());
  return grpc::Status(static_cast<grpc::StatusCode>(error.code()), error.message(), status.SerializeAsString());
}

// Ways to make an error shorter, the least important part first.
void DropDescriptions(v1::ItemError& error) {
  for (v1::FieldViolation& violation : *error.mutable_field_violations()) violation.clear_description();
}
void DropAllowed(v1::ItemError& error) {
  if (error.has_detail()) error.mutable_detail()->clear_allowed();
}
template <size_t max_chars>
void CutMessage(v1::ItemError& error) {
  error.set_message(Printable(error.message(), max_chars));
}
// Suggestions are not truncated: they are short, and a truncated name would be a different name.
void CutTexts(v1::ItemError& error) {
  constexpr size_t kMaxChars = 64;
  for (auto& [key, value] : *error.mutable_metadata()) value = Printable(value, kMaxChars);
  if (!error.has_detail()) return;
  v1::ErrorDetail& detail = *error.mutable_detail();
  for (std::string* text : {detail.mutable_field(), detail.mutable_value(), detail.mutable_catalog()}) {
    *text = Printable(*text, kMaxChars);
  }
}

}  // namespace

size_t ErrorBytesOnWire(const grpc::Status& status) {
  // "grpc-status", "grpc-message" and "grpc-status-details-bin" with the 32 bytes that HTTP/2 counts for each field.
  constexpr size_t kFieldBytes = 11 + 2 + 12 + 23 + 3 * 32;
  size_t message_bytes = 0;
  for (const char c : status.error_message()) message_bytes += c >= 0x20 && c < 0x7F && c != '%' ? 1 : 3;
  const size_t details_bytes = (status.error_details().size() + 2) / 3 * 4;
  return kFieldBytes + message_bytes + details_bytes;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  v1::ItemError error = ItemErrorOf(status);
  grpc::Status encoded = Encode(error);
  for (const auto shorten : {DropDescriptions, DropAllowed, CutMessage<160>, CutTexts, CutMessage<48>}) {
    if (ErrorBytesOnWire(encoded) <= kMaxErrorBytes) break;
    shorten(error);
    encoded = Encode(error);
  }
  return encoded;
}

}  // namespace qconfig
