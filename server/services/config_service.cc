// SPDX-License-Identifier: Apache-2.0
#include "server/services/config_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/get_config.h"
#include "core/plan_layers.h"
#include "core/request_shape.h"
#include "core/shape_checks.h"
#include "core/status_macros.h"
#include "server/services/entry_view.h"
#include "server/services/page.h"

namespace qconfig {
namespace {

// Sets the fields that name the snapshot of a response.
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

absl::Status CheckItems(int items, size_t max_items) {
  if (static_cast<size_t>(items) <= max_items) return absl::OkStatus();
  return Error(v1::ERROR_REASON_INVALID_REQUEST)
      .Field("requests")
      .Value(absl::StrCat(items))
      .Advice("Send the rest in another batch")
      .ToStatus(absl::StrCat("has more than ", max_items, " entries"));
}

// The error of an item whose answer does not fit into the response of the batch.
v1::ItemError BatchTooLarge(size_t max_bytes) {
  return ItemErrorOf(Error(v1::ERROR_REASON_ANSWER_TOO_LARGE)
                         .Advice("Send the rest in another batch")
                         .ToStatus(absl::StrCat("with this item, the answers to the batch exceed the limit of ",
                                                max_bytes, " bytes")));
}

// The bytes that `result` counts towards the limit of the response. Small messages take more memory than bytes on the
// wire, and all items stay in memory until the last one is done.
size_t BytesTowardsLimit(const v1::BatchGetConfigResult& result) {
  constexpr size_t kMemoryPerByte = 4;
  return std::max(result.ByteSizeLong(), result.SpaceUsedLong() / kMemoryPerByte);
}

}  // namespace

ConfigService::ConfigService(const Registry& registry, const Limits& limits, Clock clock,
                             std::shared_ptr<FairTurns> turns)
    : registry_(registry), limits_(limits), clock_(std::move(clock)), turns_(std::move(turns)) {}

absl::Status ConfigService::CheckActive(const CallContext& call, absl::Duration deadline) const {
  if (call.is_cancelled()) return absl::CancelledError("the caller cancelled the call");
  if (clock_.Steady() >= deadline) return absl::DeadlineExceededError("the deadline expired during the computation");
  return absl::OkStatus();
}

template <typename Request>
absl::StatusOr<std::shared_ptr<const Snapshot>> ConfigService::GetSnapshot(const CallContext& call,
                                                                           const Request& request) const {
  QCONFIG_ASSIGN_OR_RETURN(const TenantId tenant, GetTenant(call, request.tenant()));
  QCONFIG_RETURN_IF_ERROR(CheckLength(request.catalog(), limits_.name_chars, "catalog"));
  QCONFIG_RETURN_IF_ERROR(CheckRevisions(request.revision(), request.min_revision()));
  call.notes->turn.End();
  return registry_.Get(
      {tenant, request.catalog(), request.revision(), request.min_revision(), call.deadline, call.is_cancelled});
}

absl::StatusOr<v1::GetConfigResponse> ConfigService::GetConfig(const CallContext& call,
                                                               const v1::GetConfigRequest& request) const {
  Batch alone;
  return GetConfig(call, request, call.deadline, alone);
}

absl::Status ConfigService::BeginTurn(const CallContext& call, const TenantId& tenant, absl::Duration deadline) const {
  FairTurns::Turn& turn = call.notes->turn;
  if (turn) return turn.ContinueWithNext(deadline);
  auto begun = turns_->Begin(tenant.name(), CallerOf(call), deadline, call.notes->earlier_turns);
  if (!begun.ok()) return begun.status();
  turn = *std::move(begun);
  call.notes->earlier_turns = {absl::ZeroDuration(), /*is_admitted=*/true};
  return absl::OkStatus();
}

template <typename Request, typename Compute>
auto ConfigService::Resolve(const CallContext& call, const Request& request, absl::Duration end, Batch& batch,
                            Compute compute) const
    -> decltype(compute(std::declval<const Snapshot&>(), CancellationToken())) {
  // The tenant first: the error of a request is that of its first invalid field.
  QCONFIG_ASSIGN_OR_RETURN(const TenantId tenant, GetTenant(call, request.tenant()));
  QCONFIG_RETURN_IF_ERROR(CheckShape(request, limits_));
  const std::tuple query(tenant.name(), request.catalog(), request.revision(), request.min_revision());
  if (batch.snapshot == nullptr || batch.query != query) {
    batch.snapshot = nullptr;
    QCONFIG_ASSIGN_OR_RETURN(batch.snapshot, GetSnapshot(call, request));
    batch.query = query;
  }
  QCONFIG_RETURN_IF_ERROR(BeginTurn(call, tenant, end));
  if (call.is_cancelled()) return absl::CancelledError("the caller cancelled the call");
  const auto check = [&]() -> absl::Status {
    QCONFIG_RETURN_IF_ERROR(call.notes->turn.Continue(end));
    return CheckActive(call, end);
  };
  auto result = compute(*batch.snapshot, CancellationToken(check));
  if (result.ok()) return result;
  return WithHistory(result.status(), call, request.tenant(), *batch.snapshot, batch.history_searches);
}

absl::Status ConfigService::WithHistory(const absl::Status& error, const CallContext& call, const std::string& tenant,
                                        const Snapshot& snapshot, int& history_searches) const {
  const v1::ItemError item = ItemErrorOf(error);
  const bool is_scheme = item.reason() == v1::ERROR_REASON_SCHEME_NOT_FOUND;
  if (!is_scheme && item.reason() != v1::ERROR_REASON_TEMPLATE_NOT_FOUND) return error;
  const auto id = GetTenant(call, tenant);
  if (!id.ok() || snapshot.registry().revision() == 1 || history_searches == 0) return error;
  --history_searches;
  call.notes->turn.End();  // the store may take long
  // The value in the error is the whole name, because names are no longer than values in errors.
  const auto revision = registry_.LastRevisionWith(*id, is_scheme ? EntryType::kScheme : EntryType::kTemplate,
                                                   item.detail().value(), snapshot.revision());
  return revision.ok() && *revision > 0 ? SuggestRemoved(error, *revision) : error;
}

absl::StatusOr<v1::GetConfigResponse> ConfigService::GetConfig(const CallContext& call,
                                                               const v1::GetConfigRequest& request, absl::Duration end,
                                                               Batch& batch) const {
  return Resolve(call, request, end, batch, [&](const Snapshot& snapshot, CancellationToken token) {
    return qconfig::GetConfig(snapshot, request, limits_, token);
  });
}

absl::StatusOr<v1::PlanLayersResponse> ConfigService::PlanLayers(const CallContext& call,
                                                                 const v1::PlanLayersRequest& request) const {
  Batch alone;
  return Resolve(call, request, call.deadline, alone, [&](const Snapshot& snapshot, CancellationToken token) {
    return qconfig::PlanLayers(snapshot, request, limits_, token);
  });
}

absl::StatusOr<v1::BatchGetConfigResponse> ConfigService::BatchGetConfig(
    const CallContext& call, const v1::BatchGetConfigRequest& request) const {
  QCONFIG_RETURN_IF_ERROR(CheckItems(request.requests_size(), limits_.batch_items));
  // Reserves space for a short error instead of each item, so that the response stays within the limit.
  constexpr size_t kShortErrorBytes = 256;
  const size_t reserved = kShortErrorBytes * static_cast<size_t>(request.requests_size());
  const size_t max_bytes = limits_.answer_bytes - std::min(limits_.answer_bytes, reserved);
  // Waiting for revisions takes at most half of the time, so that one item cannot use up the time of the others.
  CallContext item_call = call;
  const absl::Duration now = clock_.Steady();
  item_call.deadline =
      call.deadline == absl::InfiniteDuration() ? now + registry_.max_wait() : now + (call.deadline - now) / 2;
  constexpr int kMaxHistorySearches = 10;
  Batch batch = {kMaxHistorySearches, {}, nullptr};
  v1::BatchGetConfigResponse response;
  size_t bytes = 0;
  for (const v1::GetConfigRequest& item : request.requests()) {
    QCONFIG_RETURN_IF_ERROR(CheckActive(call, call.deadline));
    v1::BatchGetConfigResult& result = *response.add_results();
    if (bytes <= max_bytes) {
      auto answer = GetConfig(item_call, item, call.deadline, batch);
      // No item had a turn: the client can retry the whole call.
      if (!answer.ok() && !call.notes->earlier_turns.is_admitted &&
          ItemErrorOf(answer.status()).reason() == v1::ERROR_REASON_OVERLOADED) {
        return answer.status();
      }
      if (answer.ok()) {
        *result.mutable_response() = *std::move(answer);
      } else {
        *result.mutable_error() = ItemErrorOf(answer.status());
      }
      bytes += BytesTowardsLimit(result);
    }
    if (bytes > max_bytes) *result.mutable_error() = BatchTooLarge(limits_.answer_bytes);
  }
  NoteItems(response, *call.notes);
  return response;
}

template <typename Request, typename Response, typename Entry, typename Add>
absl::Status ConfigService::FillPage(const CallContext& call, const Request& request,
                                     const std::vector<const Entry*>& (Snapshot::*entries)() const, Response& response,
                                     Add add) const {
  QCONFIG_ASSIGN_OR_RETURN(const TenantId tenant, GetTenant(call, request.tenant()));
  QCONFIG_ASSIGN_OR_RETURN(const size_t length, PageLength(request.page_size()));
  PageStart start{call.method, tenant.name(), "", 0, 0};
  Request pinned = request;
  if (!request.page_token().empty()) {
    QCONFIG_ASSIGN_OR_RETURN(start, DecodePageToken(request.page_token()));
    if (pinned.revision() == 0) pinned.set_revision(start.revision);
    const bool same = start.list == call.method && start.tenant == tenant.name() && start.revision == pinned.revision();
    if (!same) return PageTokenMismatch(request.page_token());
  }
  QCONFIG_ASSIGN_OR_RETURN(const std::shared_ptr<const Snapshot> snapshot, GetSnapshot(call, pinned));
  if (!request.page_token().empty() && start.catalog != snapshot->catalog().name()) {
    return PageTokenMismatch(request.page_token());
  }
  QCONFIG_RETURN_IF_ERROR(BeginTurn(call, tenant, call.deadline));
  const std::vector<const Entry*>& all = ((*snapshot).*entries)();
  const size_t begin = std::min(start.offset, all.size());
  size_t end = begin + std::min(length, all.size() - begin);
  size_t bytes = 0;
  for (size_t i = begin; i < end; ++i) {
    bytes += all[i]->ByteSizeLong();
    if (bytes > kMaxPageBytes && i > begin) {
      end = i;
    } else {
      add(*snapshot, *all[i]);
    }
  }
  if (end < all.size()) {
    response.set_next_page_token(
        EncodePageToken({call.method, tenant.name(), snapshot->catalog().name(), snapshot->revision(), end}));
  }
  response.set_total_size(static_cast<int>(all.size()));
  SetOrigin(*snapshot, response);
  return absl::OkStatus();
}

absl::StatusOr<v1::ListTemplatesResponse> ConfigService::ListTemplates(const CallContext& call,
                                                                       const v1::ListTemplatesRequest& request) const {
  v1::ListTemplatesResponse response;
  QCONFIG_RETURN_IF_ERROR(
      FillPage(call, request, &Snapshot::templates, response, [&](const Snapshot& snapshot, const auto& entry) {
        *response.add_llm_templates() = WithShadowsBuiltin(snapshot.catalog(), ApplyView(entry, request.view()));
      }));
  return response;
}

absl::StatusOr<v1::GetTemplateResponse> ConfigService::GetTemplate(const CallContext& call,
                                                                   const v1::GetTemplateRequest& request) const {
  QCONFIG_ASSIGN_OR_RETURN(const TenantId tenant, GetTenant(call, request.tenant()));
  QCONFIG_RETURN_IF_ERROR(CheckName(request.model_type(), "model_type", limits_));
  QCONFIG_ASSIGN_OR_RETURN(const std::shared_ptr<const Snapshot> snapshot, GetSnapshot(call, request));
  QCONFIG_RETURN_IF_ERROR(BeginTurn(call, tenant, call.deadline));
  const auto entry = snapshot->FindTemplate(request.model_type(), "model_type");
  if (!entry.ok()) {
    int history_searches = 1;
    return WithHistory(entry.status(), call, request.tenant(), *snapshot, history_searches);
  }
  v1::GetTemplateResponse response;
  *response.mutable_llm_template() = WithShadowsBuiltin(snapshot->catalog(), **entry);
  SetOrigin(*snapshot, response);
  return response;
}

absl::StatusOr<v1::ListSchemesResponse> ConfigService::ListSchemes(const CallContext& call,
                                                                   const v1::ListSchemesRequest& request) const {
  v1::ListSchemesResponse response;
  QCONFIG_RETURN_IF_ERROR(FillPage(
      call, request, &Snapshot::schemes, response,
      [&](const Snapshot&, const auto& entry) { *response.add_schemes() = ApplyView(entry, request.view()); }));
  return response;
}

absl::StatusOr<v1::GetSchemeResponse> ConfigService::GetScheme(const CallContext& call,
                                                               const v1::GetSchemeRequest& request) const {
  QCONFIG_ASSIGN_OR_RETURN(const TenantId tenant, GetTenant(call, request.tenant()));
  QCONFIG_RETURN_IF_ERROR(CheckName(request.name(), "name", limits_));
  QCONFIG_ASSIGN_OR_RETURN(const std::shared_ptr<const Snapshot> snapshot, GetSnapshot(call, request));
  QCONFIG_RETURN_IF_ERROR(BeginTurn(call, tenant, call.deadline));
  const auto entry = snapshot->FindScheme(request.name(), "name");
  if (!entry.ok()) {
    int history_searches = 1;
    return WithHistory(entry.status(), call, request.tenant(), *snapshot, history_searches);
  }
  v1::GetSchemeResponse response;
  *response.mutable_scheme() = **entry;
  SetOrigin(*snapshot, response);
  return response;
}

absl::StatusOr<v1::ListCatalogsResponse> ConfigService::ListCatalogs(const CallContext& call,
                                                                     const v1::ListCatalogsRequest& request) const {
  QCONFIG_ASSIGN_OR_RETURN(const TenantId tenant, GetTenant(call, request.tenant()));
  QCONFIG_ASSIGN_OR_RETURN(const std::string default_catalog, registry_.DefaultCatalog(tenant));
  v1::ListCatalogsResponse response;
  for (const auto& catalog : registry_.catalogs()) {
    v1::Catalog& entry = *response.add_catalogs();
    entry.set_name(catalog->name());
    entry.set_quark_release(catalog->quark_release());
    entry.set_digest(catalog->digest());
    entry.set_is_default(catalog->name() == default_catalog);
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

absl::StatusOr<v1::WhoAmIResponse> ConfigService::WhoAmI(const CallContext& call, const v1::WhoAmIRequest&) const {
  v1::WhoAmIResponse response;
  if (call.principal == nullptr) return response;
  response.set_has_policy(true);
  response.set_principal(call.principal->name);
  response.set_credential(call.credential);
  if (call.expires != absl::InfiniteFuture()) {
    response.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(call.expires));
  }
  response.set_default_tenant(call.principal->default_tenant.name());
  for (const Grant& grant : call.principal->grants) {
    v1::RoleGrant& entry = *response.add_grants();
    entry.set_role(grant.role);
    for (const NamePattern& tenant : grant.tenants) entry.add_tenants(tenant.text());
    entry.set_create(grant.creates);
  }
  return response;
}

}  // namespace qconfig
