// SPDX-License-Identifier: Apache-2.0
#include "server/services/registry_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/error.h"
#include "core/registration.h"
#include "core/registration_warnings.h"
#include "core/status_macros.h"
#include "server/services/entry_view.h"
#include "server/services/page.h"
#include "server/services/request_digest.h"

namespace qconfig {
namespace {

// Returns the UUID in lower case, because letter case does not matter, or an empty string for an empty text.
absl::StatusOr<std::string> ParseUuid(const std::string& text) {
  constexpr absl::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  const auto fits = [](char form, char c) {
    return form == '-' ? c == '-' : absl::ascii_isxdigit(static_cast<unsigned char>(c));
  };
  if (text.empty() || (text.size() == kForm.size() && std::equal(kForm.begin(), kForm.end(), text.begin(), fits))) {
    return absl::AsciiStrToLower(text);
  }
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field("request_id")
      .Value(text)
      .Allowed({"a UUID such as 123e4567-e89b-42d3-a456-426614174000"})
      .ToStatus("must be a UUID");
}

template <typename Request>
absl::StatusOr<WriteOrder> MakeWriteOrder(const CallContext& call, const Request& request) {
  QCONFIG_ASSIGN_OR_RETURN(TenantId tenant, GetTenant(call, request.tenant()));
  QCONFIG_ASSIGN_OR_RETURN(std::string request_id, ParseUuid(request.request_id()));
  std::string digest;
  if (!request_id.empty()) {
    QCONFIG_ASSIGN_OR_RETURN(digest, RequestDigest(request));
  }
  const std::string peer = WithoutPort(call.peer);
  const bool may_create = call.principal == nullptr || call.principal->MayCreate(tenant.name());
  return WriteOrder{std::move(tenant),
                    call.principal == nullptr ? peer : call.principal->name,
                    std::move(request_id),
                    std::move(digest),
                    request.validate_only(),
                    call.deadline,
                    peer,
                    CallerOf(call),
                    may_create};
}

absl::StatusOr<int64_t> RevisionOf(const absl::StatusOr<Written>& written) {
  if (!written.ok()) return written.status();
  return written->revision;
}

// The start of a page of ListChanges: the newest revision, or the start in `page_token` if there is a token.
absl::StatusOr<PageStart> StartOfChanges(const CallContext& call, const TenantId& tenant, const RevisionRange& range,
                                         const std::string& page_token) {
  PageStart newest{call.method, tenant.name(), "", range.newest, 0};
  if (page_token.empty()) return newest;
  QCONFIG_ASSIGN_OR_RETURN(PageStart start, DecodePageToken(page_token));
  if (start.tenant == newest.tenant && IsLost(range, start.revision)) {
    return CheckReadable(tenant, range, start.revision);
  }
  if (start.list != newest.list || start.tenant != newest.tenant || start.revision > newest.revision) {
    return PageTokenMismatch(page_token);
  }
  return start;
}

absl::Status Required(bool present, absl::string_view field) {
  if (present) return absl::OkStatus();
  return Error(v1::ERROR_REASON_INVALID_REQUEST).Field(field).ToRequiredStatus();
}

}  // namespace

template <typename Request, typename Plan>
absl::StatusOr<Written> RegistryService::Write(const CallContext& call, const Request& request,
                                               const absl::Status& shape, Plan plan) const {
  QCONFIG_ASSIGN_OR_RETURN(WriteOrder order, MakeWriteOrder(call, request));
  QCONFIG_RETURN_IF_ERROR(shape);
  bool is_begun = false;
  order.before_commit = [&]() -> absl::Status {
    if (is_begun) return absl::OkStatus();
    QCONFIG_RETURN_IF_ERROR(audit_.BeginWrite(call, order.tenant, order.request_id));
    is_begun = true;
    return absl::OkStatus();
  };
  absl::StatusOr<Written> written = registry_.Write(order, plan);
  if (is_begun) audit_.EndWrite(call, order.tenant, order.request_id, RevisionOf(written));
  call.notes->has_written = is_begun && written.ok();
  return written;
}

absl::StatusOr<v1::RegisterSchemeResponse> RegistryService::RegisterScheme(
    const CallContext& call, const v1::RegisterSchemeRequest& request) const {
  const absl::Status shape = Required(request.has_scheme(), "scheme");
  QCONFIG_ASSIGN_OR_RETURN(Written written, Write(call, request, shape, [&](const RegistrationContext& context) {
                             return PutScheme(request.scheme(), {request.replace(), request.etag()}, context);
                           }));
  v1::RegisterSchemeResponse response;
  response.set_revision(written.revision);
  response.set_replaced(written.before->FindScheme(request.scheme().name()) != nullptr);
  *response.mutable_warnings() = RegistrationWarnings(written.change.put_scheme(), registry_.catalogs());
  *response.mutable_scheme() = std::move(*written.change.mutable_put_scheme());
  return response;
}

absl::StatusOr<v1::UnregisterSchemeResponse> RegistryService::UnregisterScheme(
    const CallContext& call, const v1::UnregisterSchemeRequest& request) const {
  const absl::Status shape = Required(!request.name().empty(), "name");
  QCONFIG_ASSIGN_OR_RETURN(Written written, Write(call, request, shape, [&](const RegistrationContext& context) {
                             return DeleteScheme(request.name(), request.etag(), context);
                           }));
  v1::UnregisterSchemeResponse response;
  response.set_revision(written.revision);
  *response.mutable_scheme() = *written.before->FindScheme(request.name());
  return response;
}

absl::StatusOr<v1::RegisterTemplateResponse> RegistryService::RegisterTemplate(
    const CallContext& call, const v1::RegisterTemplateRequest& request) const {
  absl::Status shape = Required(request.has_llm_template(), "llm_template");
  if (shape.ok() && request.must_be_new() && !request.etag().empty()) {
    shape = Error(v1::ERROR_REASON_INVALID_REQUEST)
                .Field("must_be_new")
                .ToStatus("cannot be combined with `etag`, because only an existing template has an etag");
  }
  QCONFIG_ASSIGN_OR_RETURN(
      Written written, Write(call, request, shape, [&](const RegistrationContext& context) {
        return PutTemplate(request.llm_template(), {!request.must_be_new(), request.etag()}, context);
      }));
  const std::string& model_type = request.llm_template().model_type();
  v1::RegisterTemplateResponse response;
  response.set_revision(written.revision);
  response.set_replaced(written.before->FindTemplate(model_type) != nullptr);
  *response.mutable_warnings() = RegistrationWarnings(written.change.put_template(), registry_.catalogs());
  response.set_shadows_builtin(!response.warnings().empty());
  *response.mutable_llm_template() = std::move(*written.change.mutable_put_template());
  response.mutable_llm_template()->set_shadows_builtin(response.shadows_builtin());
  return response;
}

absl::StatusOr<v1::UnregisterTemplateResponse> RegistryService::UnregisterTemplate(
    const CallContext& call, const v1::UnregisterTemplateRequest& request) const {
  const absl::Status shape = Required(!request.model_type().empty(), "model_type");
  QCONFIG_ASSIGN_OR_RETURN(Written written, Write(call, request, shape, [&](const RegistrationContext& context) {
                             return DeleteTemplate(request.model_type(), request.etag(), context);
                           }));
  v1::UnregisterTemplateResponse response;
  response.set_revision(written.revision);
  *response.mutable_llm_template() = *written.before->FindTemplate(request.model_type());
  response.mutable_llm_template()->set_shadows_builtin(
      !RegistrationWarnings(response.llm_template(), registry_.catalogs()).empty());
  return response;
}

absl::StatusOr<v1::SetDefaultCatalogResponse> RegistryService::SetDefaultCatalog(
    const CallContext& call, const v1::SetDefaultCatalogRequest& request) const {
  const absl::Status shape = Required(!request.catalog().empty(), "catalog");
  QCONFIG_ASSIGN_OR_RETURN(Written written, Write(call, request, shape, [&](const RegistrationContext& context) {
                             return ChangeDefaultCatalog(request.catalog(), request.expected_revision(), context);
                           }));
  v1::SetDefaultCatalogResponse response;
  response.set_revision(written.revision);
  response.set_previous_catalog(registry_.DefaultCatalog(*written.before));
  return response;
}

absl::StatusOr<v1::ListChangesResponse> RegistryService::ListChanges(const CallContext& call,
                                                                     const v1::ListChangesRequest& request) const {
  QCONFIG_ASSIGN_OR_RETURN(const TenantId tenant, GetTenant(call, request.tenant()));
  QCONFIG_ASSIGN_OR_RETURN(const size_t length, PageLength(request.page_size()));
  QCONFIG_ASSIGN_OR_RETURN(auto range, registry_.Revisions(tenant));
  QCONFIG_ASSIGN_OR_RETURN(PageStart start, StartOfChanges(call, tenant, range, request.page_token()));

  // Reads a few at a time, because each can be as large as a request.
  constexpr int64_t kReadAtOnce = 4;
  v1::ListChangesResponse response;
  size_t bytes = 0;
  int64_t next = start.revision;  // of the write to add next; the write of the first revision is not stored
  int64_t left = static_cast<int64_t>(length);
  bool full = false;
  while (next > range.first && left > 0 && !full) {
    if (call.is_cancelled()) return absl::CancelledError("the caller cancelled the call");
    const int64_t count = std::min({kReadAtOnce, left, WritesBetween(range, range.first, next)});
    const int64_t since = RevisionBefore(range, next, count);
    const auto changes = registry_.ChangesSince(tenant, since, static_cast<size_t>(count));
    if (ItemErrorOf(changes.status()).reason() == v1::ERROR_REASON_REVISION_COMPACTED) {
      QCONFIG_ASSIGN_OR_RETURN(range, registry_.Revisions(tenant));  // history was compacted in the meantime
      continue;
    }
    if (!changes.ok()) return changes.status();
    for (auto record = changes->rbegin(); record != changes->rend() && !full; ++record) {
      bytes += record->ByteSizeLong();
      full = bytes > kMaxPageBytes && !response.changes().empty();
      if (full) break;
      *response.add_changes() = ApplyView(*record, request.view());
      next = RevisionBefore(range, next, 1);
      --left;
    }
  }
  if (next > range.first) {
    start.revision = next;
    response.set_next_page_token(EncodePageToken(start));
  }
  response.set_revision(range.newest);
  response.set_first_revision(range.first);
  return response;
}

}  // namespace qconfig
