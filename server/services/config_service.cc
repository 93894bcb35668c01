// SPDX-License-Identifier: Apache-2.0
#include "server/services/config_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/get_config.h"
#include "core/request_shape.h"
#include "core/shape_checks.h"
#include "server/base/processors.h"
#include "server/services/entry_view.h"
#include "server/services/page.h"

namespace qconfig {
namespace {

// What every response says of the snapshot that it was made from.
template <typename Response>
void SetOrigin(const Snapshot& snapshot, Response& response) {
  response.set_catalog(snapshot.catalog().name());
  response.set_catalog_digest(snapshot.catalog().digest());
  response.set_revision(snapshot.revision());
}

void NoteItems(const v1::BatchGetConfigResponse& response, CallNotes& notes) {
  notes.items = response.results_size();
  for (const v1::BatchGetConfigResult& result : response.results()) {
    if (result.has_error()) ++notes.failed_items[result.error().reason()];
  }
}

}  // namespace

ConfigService::ConfigService(const Registry& registry, const Limits& limits, Clock clock)
    : registry_(registry), limits_(limits), clock_(std::move(clock)), computing_(std::max<size_t>(2, Processors())) {}

template <typename Request>
absl::StatusOr<std::shared_ptr<const Snapshot>> ConfigService::GetSnapshot(const CallContext& call,
                                                                           const Request& request) const {
  const auto tenant = TenantOf(call, request.tenant());
  if (!tenant.ok()) return tenant.status();
  absl::Status status = CheckLength(request.catalog(), limits_.name_chars, "catalog");
  if (status.ok()) status = CheckRevisions(request.revision(), request.min_revision());
  if (!status.ok()) return status;
  return registry_.Get(
      {*tenant, request.catalog(), request.revision(), request.min_revision(), call.deadline, call.is_cancelled});
}

absl::StatusOr<v1::GetConfigResponse> ConfigService::GetConfig(const CallContext& call,
                                                               const v1::GetConfigRequest& request) const {
  return GetConfig(call, request, call.deadline);
}

absl::StatusOr<v1::GetConfigResponse> ConfigService::GetConfig(const CallContext& call,
                                                               const v1::GetConfigRequest& request,
                                                               absl::Time end) const {
  // Tenant first: a request is refused for the first of its fields that is wrong.
  if (const auto tenant = TenantOf(call, request.tenant()); !tenant.ok()) return tenant.status();
  if (const absl::Status status = CheckShape(request, limits_); !status.ok()) return status;
  const auto snapshot = GetSnapshot(call, request);
  if (!snapshot.ok()) return snapshot.status();
  // Of many at once all would be done late; one after the other, some are in time.
  const Counted slot = computing_.Acquire(end - clock_.Now());
  if (!slot) return absl::DeadlineExceededError("the deadline passed before the configuration was begun");
  if (call.is_cancelled()) return absl::CancelledError("the caller went away before the configuration was begun");
  return qconfig::GetConfig(**snapshot, request, limits_);
}

absl::StatusOr<v1::BatchGetConfigResponse> ConfigService::BatchGetConfig(
    const CallContext& call, const v1::BatchGetConfigRequest& request) const {
  if (static_cast<size_t>(request.requests_size()) > limits_.batch_items) {
    return Error(v1::ERROR_REASON_INVALID_REQUEST)
        .Field("requests")
        .Value(absl::StrCat(request.requests_size()))
        .ToStatus(absl::StrCat("more items than the ", limits_.batch_items, " allowed"));
  }
  // Keeps room for a short error in place of every item, so that the whole message keeps within the limit.
  constexpr size_t kShortErrorBytes = 256;
  const size_t reserved = kShortErrorBytes * static_cast<size_t>(request.requests_size());
  const size_t max_bytes = limits_.answer_bytes - std::min(limits_.answer_bytes, reserved);
  // All items together wait half of the time that there is, so that the others are answered whatever one waits for.
  CallContext item_call = call;
  const absl::Time now = clock_.Now();
  item_call.deadline =
      call.deadline == absl::InfiniteFuture() ? now + registry_.max_wait() : now + (call.deadline - now) / 2;
  v1::BatchGetConfigResponse response;
  size_t bytes = 0;
  for (const v1::GetConfigRequest& item : request.requests()) {
    if (call.is_cancelled()) return absl::CancelledError("the caller went away");
    if (clock_.Now() >= call.deadline) return absl::DeadlineExceededError("the deadline passed between two items");
    v1::BatchGetConfigResult& result = *response.add_results();
    if (bytes <= max_bytes) {
      auto answer = GetConfig(item_call, item, call.deadline);
      if (answer.ok()) {
        *result.mutable_response() = *std::move(answer);
      } else {
        *result.mutable_error() = ItemErrorOf(answer.status());
      }
      // Small messages take much more memory than bytes, and all items are in memory until the last one is made.
      constexpr size_t kMemoryPerByte = 4;
      bytes += std::max(result.ByteSizeLong(), result.SpaceUsedLong() / kMemoryPerByte);
    }
    if (bytes > max_bytes) {
      *result.mutable_error() =
          ItemErrorOf(Error(v1::ERROR_REASON_ANSWER_TOO_LARGE)
                          .ToStatus(absl::StrCat("with this item the answers to the batch would pass ",
                                                 limits_.answer_bytes, " bytes; ask for the rest in another call")));
    }
  }
  NoteItems(response, *call.notes);
  return response;
}

template <typename Request, typename Response, typename Entry, typename Add>
absl::Status ConfigService::FillPage(const CallContext& call, const Request& request,
                                     const std::vector<const Entry*>& (Snapshot::*entries)() const, Response& response,
                                     Add add) const {
  const auto tenant = TenantOf(call, request.tenant());
  if (!tenant.ok()) return tenant.status();
  const auto length = PageLength(request.page_size());
  if (!length.ok()) return length.status();
  PageStart start{call.method, tenant->name(), "", 0, 0};
  Request pinned = request;
  if (!request.page_token().empty()) {
    const auto token = DecodePageToken(request.page_token());
    if (!token.ok()) return token.status();
    start = *token;
    if (pinned.revision() == 0) pinned.set_revision(token->revision);
    const bool same =
        token->list == call.method && token->tenant == tenant->name() && token->revision == pinned.revision();
    if (!same) return AnotherListing(request.page_token());
  }
  const auto snapshot = GetSnapshot(call, pinned);
  if (!snapshot.ok()) return snapshot.status();
  if (!request.page_token().empty() && start.catalog != (*snapshot)->catalog().name()) {
    return AnotherListing(request.page_token());
  }
  const std::vector<const Entry*>& all = ((**snapshot).*entries)();
  const size_t begin = std::min(start.offset, all.size());
  size_t end = begin + std::min(*length, all.size() - begin);
  size_t bytes = 0;
  for (size_t i = begin; i < end; ++i) {
    bytes += all[i]->ByteSizeLong();
    if (bytes > kMaxPageBytes && i > begin) {
      end = i;
    } else {
      add(**snapshot, *all[i]);
    }
  }
  if (end < all.size()) {
    response.set_next_page_token(
        EncodePageToken({call.method, tenant->name(), (*snapshot)->catalog().name(), (*snapshot)->revision(), end}));
  }
  response.set_total_size(static_cast<int>(all.size()));
  SetOrigin(**snapshot, response);
  return absl::OkStatus();
}

absl::StatusOr<v1::ListTemplatesResponse> ConfigService::ListTemplates(const CallContext& call,
                                                                       const v1::ListTemplatesRequest& request) const {
  v1::ListTemplatesResponse response;
  const absl::Status status =
      FillPage(call, request, &Snapshot::templates, response, [&](const Snapshot& snapshot, const auto& entry) {
        *response.add_llm_templates() = SeenThrough(snapshot.catalog(), Show(entry, request.view()));
      });
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::GetTemplateResponse> ConfigService::GetTemplate(const CallContext& call,
                                                                   const v1::GetTemplateRequest& request) const {
  const absl::Status status = CheckName(request.model_type(), "model_type", limits_);
  if (!status.ok()) return status;
  const auto snapshot = GetSnapshot(call, request);
  if (!snapshot.ok()) return snapshot.status();
  const auto entry = (*snapshot)->FindTemplate(request.model_type(), "model_type");
  if (!entry.ok()) return entry.status();
  v1::GetTemplateResponse response;
  *response.mutable_llm_template() = SeenThrough((*snapshot)->catalog(), **entry);
  SetOrigin(**snapshot, response);
  return response;
}

absl::StatusOr<v1::ListSchemesResponse> ConfigService::ListSchemes(const CallContext& call,
                                                                   const v1::ListSchemesRequest& request) const {
  v1::ListSchemesResponse response;
  const absl::Status status =
      FillPage(call, request, &Snapshot::schemes, response,
               [&](const Snapshot&, const auto& entry) { *response.add_schemes() = Show(entry, request.view()); });
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<v1::GetSchemeResponse> ConfigService::GetScheme(const CallContext& call,
                                                               const v1::GetSchemeRequest& request) const {
  const absl::Status status = CheckName(request.name(), "name", limits_);
  if (!status.ok()) return status;
  const auto snapshot = GetSnapshot(call, request);
  if (!snapshot.ok()) return snapshot.status();
  const auto entry = (*snapshot)->FindScheme(request.name(), "name");
  if (!entry.ok()) return entry.status();
  v1::GetSchemeResponse response;
  *response.mutable_scheme() = **entry;
  SetOrigin(**snapshot, response);
  return response;
}

absl::StatusOr<v1::ListCatalogsResponse> ConfigService::ListCatalogs(const CallContext& call,
                                                                     const v1::ListCatalogsRequest& request) const {
  const auto tenant = TenantOf(call, request.tenant());
  if (!tenant.ok()) return tenant.status();
  const auto default_catalog = registry_.DefaultCatalog(*tenant);
  if (!default_catalog.ok()) return default_catalog.status();
  v1::ListCatalogsResponse response;
  for (const auto& catalog : registry_.catalogs()) {
    v1::Catalog& entry = *response.add_catalogs();
    entry.set_name(catalog->name());
    entry.set_quark_release(catalog->quark_release());
    entry.set_digest(catalog->digest());
    entry.set_is_default(catalog->name() == *default_catalog);
    entry.set_template_count(static_cast<int>(catalog->templates().size()));
    entry.set_scheme_count(static_cast<int>(catalog->schemes().size()));
    for (const std::string& trait : catalog->trait_names()) entry.add_traits(trait);
    for (const std::string& algorithm : catalog->algorithms()) entry.add_algorithms(algorithm);
    for (const auto& [name, unused] : catalog->kv_cache_schemes()) entry.add_kv_cache_schemes(name);
    for (const auto& [name, unused] : catalog->attention_schemes()) entry.add_attention_schemes(name);
    for (const std::string& observer : catalog->observers()) entry.add_observers(observer);
  }
  return response;
}

}  // namespace qconfig
