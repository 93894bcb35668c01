// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "core/faults.h"
#include "core/utf8.h"

namespace qconfig {
namespace {

constexpr size_t kMaxValueChars = 128;
constexpr size_t kMaxAllowed = 10;
constexpr size_t kMaxFindingBytes = 2000;  // with their base64 form and the other details, below 4 KB

absl::StatusCode ToStatusCode(v1::ErrorReason reason) {
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
    case v1::ERROR_REASON_TEMPLATE_EXISTS:
      return absl::StatusCode::kAlreadyExists;
    case v1::ERROR_REASON_ETAG_MISMATCH:
    case v1::ERROR_REASON_REVISION_MISMATCH:
      return absl::StatusCode::kAborted;
    case v1::ERROR_REASON_ALGORITHM_CONFIG_MISSING:
    case v1::ERROR_REASON_PLAN_HAS_FINDINGS:
    case v1::ERROR_REASON_BUILTIN_READ_ONLY:
    case v1::ERROR_REASON_NOT_IN_CATALOG:
      return absl::StatusCode::kFailedPrecondition;
    case v1::ERROR_REASON_REVISION_IN_FUTURE:
    case v1::ERROR_REASON_REVISION_COMPACTED:
    case v1::ERROR_REASON_REVISION_LOST:
      return absl::StatusCode::kOutOfRange;
    case v1::ERROR_REASON_ANSWER_TOO_LARGE:
    case v1::ERROR_REASON_MESSAGE_TOO_LARGE:
    case v1::ERROR_REASON_QUOTA_EXCEEDED:
    case v1::ERROR_REASON_STORAGE_FULL:
    case v1::ERROR_REASON_RATE_LIMITED:
      return absl::StatusCode::kResourceExhausted;
    case v1::ERROR_REASON_SHUTTING_DOWN:
    case v1::ERROR_REASON_STORAGE_UNAVAILABLE:
    case v1::ERROR_REASON_OVERLOADED:
    case v1::ERROR_REASON_AUDIT_UNAVAILABLE:
      return absl::StatusCode::kUnavailable;
    case v1::ERROR_REASON_CREDENTIALS_MISSING:
    case v1::ERROR_REASON_CREDENTIALS_INVALID:
      return absl::StatusCode::kUnauthenticated;
    case v1::ERROR_REASON_PERMISSION_DENIED:
      return absl::StatusCode::kPermissionDenied;
    default:  // UNSPECIFIED and the sentinels of the enum, which no caller passes
      return absl::StatusCode::kInternal;
  }
}

// The first `max_items` of `values`, printable.
void SetItems(const std::vector<absl::string_view>& values, size_t max_items,
              google::protobuf::RepeatedPtrField<std::string>& items) {
  items.Clear();
  for (size_t i = 0; i < std::min(values.size(), max_items); ++i) *items.Add() = Printable(values[i], kMaxValueChars);
}

// The items as part of a text. Quotes an item that contains a comma, which would look like two items.
std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& items, int total) {
  std::string text = absl::StrJoin(items, ", ", [](std::string* out, const std::string& item) {
    const bool ambiguous = absl::StrContains(item, ',');
    absl::StrAppend(out, ambiguous ? "\"" : "", item, ambiguous ? "\"" : "");
  });
  if (total > items.size()) absl::StrAppend(&text, " and ", total - items.size(), " more");
  return text;
}

}  // namespace

Error::Error(v1::ErrorReason reason) {
  error_.set_code(static_cast<int>(ToStatusCode(reason)));
  error_.set_reason(reason);
}

Error& Error::Field(absl::string_view path) {
  error_.mutable_detail()->set_field(std::string(path));
  error_.add_field_violations()->set_field(std::string(path));
  return *this;
}

Error& Error::Value(absl::string_view value) {
  has_value_ = true;
  value_ = std::string(value);
  error_.mutable_detail()->set_value(Printable(value, kMaxValueChars));
  return *this;
}

Error& Error::Allowed(const std::vector<absl::string_view>& values) {
  SetItems(values, kMaxAllowed, *error_.mutable_detail()->mutable_allowed());
  error_.mutable_detail()->set_allowed_total(static_cast<int>(values.size()));
  return *this;
}

Error& Error::Suggest(NameKind kind, const std::vector<absl::string_view>& names, const CatalogOfName& catalog_of) {
  NameResolution resolution = ResolveName(kind, value_, names, catalog_of);
  v1::ErrorDetail& detail = *error_.mutable_detail();
  detail.clear_suggestions();
  detail.clear_suggestion_reasons();
  for (NameResolution::Item& item : resolution.items) {
    item.name = Printable(item.name, kMaxValueChars);
    detail.add_suggestions(item.name);
    *detail.add_suggestion_reasons() = item.reason;
  }
  suggestions_ = ResolutionText(resolution);
  return Advice(resolution.note);
}

Error& Error::Tenant(absl::string_view tenant) {
  error_.mutable_detail()->set_tenant(std::string(tenant));
  return *this;
}

Error& Error::Rule(absl::string_view rule) {
  error_.mutable_detail()->set_rule(std::string(rule));
  return *this;
}

Error& Error::RequiredRole(absl::string_view role) {
  error_.mutable_detail()->set_required_role(std::string(role));
  return *this;
}

Error& Error::RetryAfterMs(int64_t milliseconds) {
  error_.mutable_detail()->set_retry_after_ms(milliseconds);
  return *this;
}

Error& Error::Catalog(absl::string_view catalog) {
  error_.mutable_detail()->set_catalog(std::string(catalog));
  return *this;
}

Error& Error::Revisions(int64_t first, int64_t newest) {
  error_.mutable_detail()->set_first_revision(first);
  error_.mutable_detail()->set_newest_revision(newest);
  return *this;
}

Error& Error::Findings(const std::vector<v1::Finding>& findings, int64_t total) {
  v1::ErrorDetail& detail = *error_.mutable_detail();
  detail.set_finding_total(total);
  size_t bytes = 0;
  for (v1::Finding finding : findings) {
    while (bytes + finding.ByteSizeLong() > kMaxFindingBytes && finding.modules_size() > 1) {
      finding.mutable_modules()->RemoveLast();
    }
    bytes += finding.ByteSizeLong();
    if (bytes > kMaxFindingBytes) break;
    *detail.add_findings() = std::move(finding);
  }
  return *this;
}

Error& Error::Advice(absl::string_view advice) {
  if (!advice.empty()) absl::StrAppend(&advice_, advice_.empty() ? "" : " ", advice, ".");
  return *this;
}

absl::Status Error::ToStatus(absl::string_view problem) const {
  const v1::ErrorDetail& detail = error_.detail();
  std::string message;
  if (!detail.field().empty()) absl::StrAppend(&message, detail.field(), ": ");
  absl::StrAppend(&message, problem);
  if (has_value_) absl::StrAppend(&message, ": \"", detail.value(), "\"");
  absl::StrAppend(&message, suggestions_);
  if (!detail.allowed().empty()) {
    const absl::string_view start = suggestions_.empty()                ? "; allowed: "
                                    : absl::EndsWith(suggestions_, "?") ? " Allowed: "
                                                                        : ". Allowed: ";
    absl::StrAppend(&message, start, Joined(detail.allowed(), detail.allowed_total()));
  }
  if (!advice_.empty()) absl::StrAppend(&message, absl::EndsWith(message, "?") ? " " : ". ", advice_);
  return Build(message, problem);
}

absl::Status Error::ToRequiredStatus() const {
  return Build(absl::StrCat(error_.detail().field(), " is required"), "required");
}

absl::Status Error::Build(const std::string& message, absl::string_view problem) const {
  v1::ItemError error = error_;
  error.set_message(message);
  if (!advice_.empty()) error.mutable_detail()->set_advice(advice_);
  const v1::ErrorDetail& detail = error.detail();
  auto& metadata = *error.mutable_metadata();
  if (!detail.field().empty()) metadata["field"] = detail.field();
  if (has_value_) metadata["value"] = detail.value();
  if (!detail.tenant().empty()) metadata["tenant"] = detail.tenant();
  if (!detail.catalog().empty()) metadata["catalog"] = detail.catalog();
  if (!detail.rule().empty()) metadata["rule"] = detail.rule();
  for (v1::FieldViolation& violation : *error.mutable_field_violations()) {
    violation.set_description(std::string(problem));
  }
  return StatusOf(error);
}

absl::Status StatusOf(const v1::ItemError& error) {
  absl::Status status(static_cast<absl::StatusCode>(error.code()), error.message());
  status.SetPayload(kItemErrorType, absl::Cord(error.SerializeAsString()));
  return status;
}

absl::Status SuggestRemoved(const absl::Status& error, int64_t revision) {
  v1::ItemError item = ItemErrorOf(error);
  v1::ErrorDetail& detail = *item.mutable_detail();
  detail.clear_suggestions();  // names like that of a tenant's own entry say nothing about its numbers
  detail.clear_suggestion_reasons();
  detail.add_suggestions(detail.value());
  v1::SuggestionReason& reason = *detail.add_suggestion_reasons();
  reason.set_kind(v1::SUGGESTION_KIND_REMOVED);
  reason.set_revision(revision);
  reason.set_text(absl::StrCat("it was removed after revision ", revision));
  const std::string removed = absl::StrCat("; ", reason.text());
  for (v1::FieldViolation& violation : *item.mutable_field_violations()) {
    violation.mutable_description()->append(removed);
  }
  detail.set_advice(absl::StrCat("Register it again, or set `revision` to ", revision, " to read it as it was then.",
                                 detail.advice().empty() ? "" : " ", detail.advice()));
  // The message is the problem with the value, the suggestions, the accepted values and the advice.
  const std::string value = absl::StrCat(": \"", detail.value(), "\"");
  const std::string problem = item.message().substr(0, item.message().find(value));
  item.set_message(absl::StrCat(problem, removed, value, detail.allowed().empty() ? "" : "; allowed: ",
                                Joined(detail.allowed(), detail.allowed_total()), ". ", detail.advice()));
  return StatusOf(item);
}

v1::ItemError ItemErrorOf(const absl::Status& status) {
  v1::ItemError detail;
  const auto payload = status.GetPayload(kItemErrorType);
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
