// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"

#include <algorithm>
#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/nearest_names.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

constexpr absl::string_view kPayloadType = "type.googleapis.com/qconfig.v1.ItemError";
constexpr size_t kMaxValueChars = 128;
constexpr size_t kMaxSuggestions = 3;
constexpr size_t kMaxAllowed = 10;

absl::StatusCode CodeOf(v1::ErrorReason reason) {
  switch (reason) {
    case v1::ERROR_REASON_INVALID_REQUEST:
    case v1::ERROR_REASON_UNSUPPORTED_ALGORITHM:
    case v1::ERROR_REASON_UNSUPPORTED_KV_CACHE_SCHEME:
    case v1::ERROR_REASON_UNSUPPORTED_ATTENTION_SCHEME:
    case v1::ERROR_REASON_INVALID_ALGORITHM_CONFIG:
    case v1::ERROR_REASON_INVALID_TENSOR_CONFIG:
    case v1::ERROR_REASON_REQUEST_ID_REUSED:
      return absl::StatusCode::kInvalidArgument;
    case v1::ERROR_REASON_TEMPLATE_NOT_FOUND:
    case v1::ERROR_REASON_SCHEME_NOT_FOUND:
    case v1::ERROR_REASON_CATALOG_NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case v1::ERROR_REASON_SCHEME_EXISTS:
      return absl::StatusCode::kAlreadyExists;
    case v1::ERROR_REASON_ETAG_MISMATCH:
      return absl::StatusCode::kAborted;
    case v1::ERROR_REASON_ALGORITHM_CONFIG_MISSING:
    case v1::ERROR_REASON_BUILTIN_READ_ONLY:
    case v1::ERROR_REASON_NOT_IN_CATALOG:
      return absl::StatusCode::kFailedPrecondition;
    case v1::ERROR_REASON_REVISION_IN_FUTURE:
    case v1::ERROR_REASON_REVISION_COMPACTED:
      return absl::StatusCode::kOutOfRange;
    case v1::ERROR_REASON_ANSWER_TOO_LARGE:
    case v1::ERROR_REASON_MESSAGE_TOO_LARGE:
    case v1::ERROR_REASON_QUOTA_EXCEEDED:
    case v1::ERROR_REASON_STORAGE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case v1::ERROR_REASON_SHUTTING_DOWN:
    case v1::ERROR_REASON_STORAGE_UNAVAILABLE:
    case v1::ERROR_REASON_OVERLOADED:
      return absl::StatusCode::kUnavailable;
    default:  // UNSPECIFIED and the enum's sentinels, which nobody passes
      return absl::StatusCode::kInternal;
  }
}

std::string Joined(const std::vector<std::string>& values, size_t total) {
  return absl::StrCat(absl::StrJoin(values, ", "),
                      total > values.size() ? absl::StrCat(" and ", total - values.size(), " more") : "");
}

std::vector<std::string> PrintableItems(const std::vector<absl::string_view>& values, size_t max_items) {
  std::vector<std::string> items;
  for (size_t i = 0; i < std::min(values.size(), max_items); ++i) items.push_back(Printable(values[i], kMaxValueChars));
  return items;
}

}  // namespace

Error::Error(v1::ErrorReason reason) {
  detail_.set_code(static_cast<int>(CodeOf(reason)));
  detail_.set_reason(reason);
}

Error& Error::Field(absl::string_view path) {
  (*detail_.mutable_metadata())["field"] = std::string(path);
  detail_.add_field_violations()->set_field(std::string(path));
  return *this;
}

Error& Error::Value(absl::string_view value) {
  value_ = std::string(value);
  (*detail_.mutable_metadata())["value"] = Printable(value, kMaxValueChars);
  return *this;
}

Error& Error::Allowed(const std::vector<absl::string_view>& values) {
  (*detail_.mutable_metadata())["allowed"] = Joined(PrintableItems(values, kMaxAllowed), values.size());
  return *this;
}

Error& Error::NearestOf(const std::vector<absl::string_view>& names) {
  const std::vector<std::string> nearest =
      PrintableItems(NearestNames(value_, names, kMaxSuggestions), kMaxSuggestions);
  if (!nearest.empty()) (*detail_.mutable_metadata())["suggestion"] = absl::StrJoin(nearest, ", ");
  return *this;
}

Error& Error::Tenant(absl::string_view tenant) {
  (*detail_.mutable_metadata())["tenant"] = std::string(tenant);
  return *this;
}

Error& Error::Rule(absl::string_view rule) {
  (*detail_.mutable_metadata())["rule"] = std::string(rule);
  return *this;
}

Error& Error::Catalog(absl::string_view catalog) {
  (*detail_.mutable_metadata())["catalog"] = std::string(catalog);
  return *this;
}

absl::Status Error::Because(absl::string_view problem) const {
  v1::ItemError detail = detail_;
  const auto metadata = [&detail](const char* key) -> const std::string* {
    const auto it = detail.metadata().find(key);
    return it == detail.metadata().end() ? nullptr : &it->second;
  };
  std::string message;
  if (const std::string* field = metadata("field")) absl::StrAppend(&message, *field, ": ");
  absl::StrAppend(&message, problem);
  if (const std::string* value = metadata("value")) absl::StrAppend(&message, ": \"", *value, "\"");
  if (const std::string* suggestion = metadata("suggestion"))
    absl::StrAppend(&message, "; did you mean ", *suggestion, "?");
  if (const std::string* allowed = metadata("allowed")) {
    absl::StrAppend(&message, metadata("suggestion") ? " Allowed: " : "; allowed: ", *allowed);
  }
  detail.set_message(message);
  for (v1::FieldViolation& violation : *detail.mutable_field_violations())
    violation.set_description(std::string(problem));
  absl::Status status(static_cast<absl::StatusCode>(detail.code()), message);
  status.SetPayload(kPayloadType, absl::Cord(detail.SerializeAsString()));
  return status;
}

v1::ItemError ItemErrorOf(const absl::Status& status) {
  v1::ItemError detail;
  const auto payload = status.GetPayload(kPayloadType);
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) {
    detail.set_code(status.raw_code());
    detail.set_message(std::string(status.message()));
  }
  return detail;
}

std::string ReasonName(v1::ErrorReason reason) {
  if (reason == v1::ERROR_REASON_UNSPECIFIED) return "";
  return std::string(absl::StripPrefix(v1::ErrorReason_Name(reason), "ERROR_REASON_"));
}

}  // namespace qconfig
