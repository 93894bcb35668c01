// SPDX-License-Identifier: Apache-2.0
#include "server/registry_service.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "core/canonical_json.h"
#include "core/error.h"
#include "core/registration.h"
#include "server/entry_view.h"
#include "server/page.h"

namespace qconfig {
namespace {

// 8-4-4-4-12 hex digits; in lower case, because both cases are the same UUID. Empty for an empty text.
absl::StatusOr<std::string> UuidOf(const std::string& text) {
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
      .Because("not a UUID");
}

// Equal for equal requests, whoever's they are and whichever id they have.
template <typename Request>
std::string DigestOf(Request request) {
  request.clear_tenant();
  request.clear_request_id();
  std::string bytes = Request::descriptor()->full_name();
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  return Sha256Hex(bytes);
}

// "ipv4:127.0.0.1" of "ipv4:127.0.0.1:40312": the port says nothing of who it was.
std::string ActorOf(const std::string& peer) {
  const size_t colon = peer.rfind(':');
  const bool has_port = absl::StartsWith(peer, "ipv4:") || absl::StartsWith(peer, "ipv6:");
  return has_port && colon > 4 ? peer.substr(0, colon) : peer;
}

template <typename Request>
absl::StatusOr<WriteOrder> OrderOf(const CallContext& call, const Request& request) {
  const auto tenant = TenantOf(call, request.tenant());
  if (!tenant.ok()) return tenant.status();
  const auto request_id = UuidOf(request.request_id());
  if (!request_id.ok()) return request_id.status();
  return WriteOrder{*tenant,           ActorOf(call.peer),      *request_id,
                    DigestOf(request), request.validate_only(), call.deadline};
}

template <typename Request, typename Plan>
absl::StatusOr<Written> Write(Registry& registry, const CallContext& call, const Request& request, Plan plan) {
  const auto order = OrderOf(call, request);
  if (!order.ok()) return order.status();
  return registry.Write(*order, plan);
}

// Of the catalogues of this server.
bool IsBuiltinTemplate(const Registry& registry, const std::string& model_type) {
  const auto& catalogs = registry.catalogs();
  return std::any_of(catalogs.begin(), catalogs.end(),
                     [&](const auto& catalog) { return catalog->FindTemplate(model_type) != nullptr; });
}

}  // namespace

absl::StatusOr<v1::RegisterSchemeResponse> RegistryService::RegisterScheme(
    const CallContext& call, const v1::RegisterSchemeRequest& request) const {
  auto written = Write(registry_, call, request,
                       [&](const RegistrationContext& context) { return PutScheme(request.scheme(), context); });
  if (!written.ok()) return written.status();
  v1::RegisterSchemeResponse response;
  response.set_revision(written->revision);
  *response.mutable_scheme() = std::move(*written->change.mutable_put_scheme());
  return response;
}

absl::StatusOr<v1::UnregisterSchemeResponse> RegistryService::UnregisterScheme(
    const CallContext& call, const v1::UnregisterSchemeRequest& request) const {
  const auto written = Write(registry_, call, request, [&](const RegistrationContext& context) {
    return DeleteScheme(request.name(), request.etag(), context);
  });
  if (!written.ok()) return written.status();
  v1::UnregisterSchemeResponse response;
  response.set_revision(written->revision);
  *response.mutable_scheme() = *written->before->FindScheme(request.name());
  return response;
}

absl::StatusOr<v1::RegisterTemplateResponse> RegistryService::RegisterTemplate(
    const CallContext& call, const v1::RegisterTemplateRequest& request) const {
  auto written = Write(registry_, call, request, [&](const RegistrationContext& context) {
    return PutTemplate(request.llm_template(), request.etag(), context);
  });
  if (!written.ok()) return written.status();
  const std::string& model_type = request.llm_template().model_type();
  v1::RegisterTemplateResponse response;
  response.set_revision(written->revision);
  response.set_replaced(written->before->FindTemplate(model_type) != nullptr);
  response.set_shadows_builtin(IsBuiltinTemplate(registry_, model_type));
  *response.mutable_llm_template() = std::move(*written->change.mutable_put_template());
  response.mutable_llm_template()->set_shadows_builtin(response.shadows_builtin());
  return response;
}

absl::StatusOr<v1::UnregisterTemplateResponse> RegistryService::UnregisterTemplate(
    const CallContext& call, const v1::UnregisterTemplateRequest& request) const {
  const auto written = Write(registry_, call, request, [&](const RegistrationContext& context) {
    return DeleteTemplate(request.model_type(), request.etag(), context);
  });
  if (!written.ok()) return written.status();
  v1::UnregisterTemplateResponse response;
  response.set_revision(written->revision);
  *response.mutable_llm_template() = *written->before->FindTemplate(request.model_type());
  response.mutable_llm_template()->set_shadows_builtin(IsBuiltinTemplate(registry_, request.model_type()));
  return response;
}

absl::StatusOr<v1::ListChangesResponse> RegistryService::ListChanges(const CallContext& call,
                                                                     const v1::ListChangesRequest& request) const {
  const auto tenant = TenantOf(call, request.tenant());
  if (!tenant.ok()) return tenant.status();
  const auto length = PageLength(request.page_size());
  if (!length.ok()) return length.status();
  const auto range = registry_.Revisions(*tenant);
  if (!range.ok()) return range.status();
  PageStart start{call.method, tenant->name(), "", range->newest, 0};
  if (!request.page_token().empty()) {
    const auto token = DecodePageToken(request.page_token());
    if (!token.ok()) return token.status();
    if (token->list != start.list || token->tenant != start.tenant || token->revision > range->newest) {
      return AnotherListing(request.page_token());
    }
    start = *token;
  }

  // Reads a few at a time, because each may be as large as a request.
  constexpr int64_t kReadAtOnce = 16;
  v1::ListChangesResponse response;
  size_t bytes = 0;
  int64_t next = start.revision;  // of the write to show next; the one that made the first revision is not kept
  int64_t left = static_cast<int64_t>(*length);
  while (next > range->first && left > 0 && bytes <= kMaxPageBytes) {
    const int64_t count = std::min({kReadAtOnce, left, next - range->first});
    const auto changes = registry_.ChangesSince(*tenant, next - count, static_cast<size_t>(count));
    if (!changes.ok()) return changes.status();
    for (auto record = changes->rbegin(); record != changes->rend() && bytes <= kMaxPageBytes; ++record) {
      *response.add_changes() = Show(*record, request.view());
      bytes += response.changes().rbegin()->ByteSizeLong();
      --next;
      --left;
    }
  }
  if (next > range->first) {
    start.revision = next;
    response.set_next_page_token(EncodePageToken(start));
  }
  response.set_revision(range->newest);
  response.set_first_revision(range->first);
  return response;
}

}  // namespace qconfig
