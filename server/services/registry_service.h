// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_SERVICES_REGISTRY_SERVICE_H_
#define QCONFIG_SERVER_SERVICES_REGISTRY_SERVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "qconfig/v1/registry_service.pb.h"
#include "server/base/call_context.h"
#include "server/registry/registry.h"

namespace qconfig {

// The methods of qconfig.v1.RegistryService, without a transport. Each checks the request, and the registry commits the
// change that the core plans. The proto file lists the errors. Thread-safe.
class RegistryService {
 public:
  // `registry` must outlive the service.
  explicit RegistryService(Registry& registry) : registry_(registry) {}

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
  Registry& registry_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_SERVICES_REGISTRY_SERVICE_H_
