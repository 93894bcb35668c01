// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SERVICES_CONFIG_SERVICE_H_
#define QCONFIG_SERVER_SERVICES_CONFIG_SERVICE_H_

#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/cancellation.h"
#include "core/limits.h"
#include "core/snapshot.h"
#include "qconfig/v1/config_service.pb.h"
#include "qconfig/v1/plan.pb.h"
#include "server/base/call_context.h"
#include "server/base/clock.h"
#include "server/base/fair_turns.h"
#include "server/registry/registry.h"

namespace qconfig {

// The methods of qconfig.v1.ConfigService, without a transport. Each checks the request, gets a snapshot, and calls the
// core. The proto file lists the errors. Thread-safe.
class ConfigService {
 public:
  // `registry` must outlive the service. Calls that compute take turns.
  ConfigService(const Registry& registry, const Limits& limits, Clock clock, std::shared_ptr<FairTurns> turns);

  // These three also return kCancelled or kDeadlineExceeded soon after the caller cancels the call or its deadline
  // expires.
  absl::StatusOr<v1::GetConfigResponse> GetConfig(const CallContext& call, const v1::GetConfigRequest& request) const;
  absl::StatusOr<v1::BatchGetConfigResponse> BatchGetConfig(const CallContext& call,
                                                            const v1::BatchGetConfigRequest& request) const;
  absl::StatusOr<v1::PlanLayersResponse> PlanLayers(const CallContext& call,
                                                    const v1::PlanLayersRequest& request) const;
  absl::StatusOr<v1::ListTemplatesResponse> ListTemplates(const CallContext& call,
                                                          const v1::ListTemplatesRequest& request) const;
  absl::StatusOr<v1::GetTemplateResponse> GetTemplate(const CallContext& call,
                                                      const v1::GetTemplateRequest& request) const;
  absl::StatusOr<v1::ListSchemesResponse> ListSchemes(const CallContext& call,
                                                      const v1::ListSchemesRequest& request) const;
  absl::StatusOr<v1::GetSchemeResponse> GetScheme(const CallContext& call, const v1::GetSchemeRequest& request) const;
  absl::StatusOr<v1::ListCatalogsResponse> ListCatalogs(const CallContext& call,
                                                        const v1::ListCatalogsRequest& request) const;
  absl::StatusOr<v1::WhoAmIResponse> WhoAmI(const CallContext& call, const v1::WhoAmIRequest& request) const;

 private:
  // What a batch passes from one item to the next.
  struct Batch {
    int history_searches = 1;                                      // that errors may still make
    std::tuple<std::string, std::string, int64_t, int64_t> query;  // of the snapshot
    std::shared_ptr<const Snapshot> snapshot;                      // null: none
  };

  // kCancelled or kDeadlineExceeded if the result of `call` is no longer needed.
  absl::Status CheckActive(const CallContext& call, absl::Duration deadline) const;

  // `end` is the deadline of the computation; `call.deadline` is that of waiting for a revision.
  absl::StatusOr<v1::GetConfigResponse> GetConfig(const CallContext& call, const v1::GetConfigRequest& request,
                                                  absl::Duration end, Batch& batch) const;

  // Checks `request`, gets its snapshot, and returns `compute(snapshot, token)`. The other arguments are as above.
  template <typename Request, typename Compute>
  auto Resolve(const CallContext& call, const Request& request, absl::Duration end, Batch& batch, Compute compute) const
      -> decltype(compute(std::declval<const Snapshot&>(), CancellationToken()));

  // Waits for the turn of a call that has its snapshot, or keeps the one that it has. Errors are those of FairTurns.
  absl::Status BeginTurn(const CallContext& call, const TenantId& tenant, absl::Duration deadline) const;

  // The error, which says in addition which revision still had the unknown scheme or template, if the tenant's registry
  // had it before the snapshot. Returns other errors unchanged. Searches the store if `history_searches` is not 0, and
  // then subtracts 1 from it.
  absl::Status WithHistory(const absl::Status& error, const CallContext& call, const std::string& tenant,
                           const Snapshot& snapshot, int& history_searches) const;

  // For requests with the fields `tenant`, `catalog`, `revision` and `min_revision`. Ends the turn of the call, because
  // this can wait.
  template <typename Request>
  absl::StatusOr<std::shared_ptr<const Snapshot>> GetSnapshot(const CallContext& call, const Request& request) const;

  // Sets every field of a list's response except the entries, and calls `add` for each entry of the page.
  template <typename Request, typename Response, typename Entry, typename Add>
  absl::Status FillPage(const CallContext& call, const Request& request,
                        const std::vector<const Entry*>& (Snapshot::*entries)() const, Response& response,
                        Add add) const;

  const Registry& registry_;
  const Limits limits_;
  const Clock clock_;
  const std::shared_ptr<FairTurns> turns_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SERVICES_CONFIG_SERVICE_H_
