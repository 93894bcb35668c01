// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SERVICES_REGISTRY_SERVICE_H_
#define QCONFIG_SERVER_SERVICES_REGISTRY_SERVICE_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "qconfig/v1/registry_service.pb.h"
#include "server/auth/call_audit.h"
#include "server/base/call_context.h"
#include "server/registry/registry.h"

namespace qconfig {

// The methods of qconfig.v1.RegistryService, without a transport. Each checks the request, and the registry commits the
// change that the core plans. The proto file lists the errors. Thread-safe.
class RegistryService {
 public:
  // `registry` must outlive the service. The log of `audit` has each write that is committed.
  explicit RegistryService(Registry& registry, CallAudit audit = {}) : registry_(registry), audit_(std::move(audit)) {}

  absl::StatusOr<v1::RegisterSchemeResponse> RegisterScheme(const CallContext& call,
                                                            const v1::RegisterSchemeRequest& request) const;
  absl::StatusOr<v1::UnregisterSchemeResponse> UnregisterScheme(const CallContext& call,
                                                                const v1::UnregisterSchemeRequest& request) const;
  absl::StatusOr<v1::RegisterTemplateResponse> RegisterTemplate(const CallContext& call,
                                                                const v1::RegisterTemplateRequest& request) const;
  absl::StatusOr<v1::UnregisterTemplateResponse> UnregisterTemplate(const CallContext& call,
                                                                    const v1::UnregisterTemplateRequest& request) const;
  absl::StatusOr<v1::SetDefaultCatalogResponse> SetDefaultCatalog(const CallContext& call,
                                                                  const v1::SetDefaultCatalogRequest& request) const;
  absl::StatusOr<v1::ListChangesResponse> ListChanges(const CallContext& call,
                                                      const v1::ListChangesRequest& request) const;

 private:
  // Commits the change that `plan` returns. `shape` is the result of the checks of the request. Errors of the tenant
  // and the request id come before it.
  template <typename Request, typename Plan>
  absl::StatusOr<Written> Write(const CallContext& call, const Request& request, const absl::Status& shape,
                                Plan plan) const;

  Registry& registry_;
  const CallAudit audit_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SERVICES_REGISTRY_SERVICE_H_
