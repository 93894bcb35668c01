// SPDX-License-Identifier: Apache-2.0
#include "server/app/service_handlers.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace qconfig {
namespace {

// The handler `method` of `service`, as a method on bytes.
template <typename Service, typename Request, typename Response>
BytesMethod Bytes(const Service& service,
                  absl::StatusOr<Response> (Service::*method)(const CallContext&, const Request&) const) {
  return OnBytes<Request, Response>(
      [&service, method](const CallContext& call, const Request& request) { return (service.*method)(call, request); });
}

}  // namespace

HandlerTable ServiceHandlers(const ConfigService& config, const RegistryService& registry,
                             const std::shared_ptr<AnswerCache>& answer_cache) {
  const std::string configs = "qconfig.v1.ConfigService/";
  const std::string writes = "qconfig.v1.RegistryService/";
  // Some requests have answers of hundreds of times their size. Those of single calls are few at a time, because
  // ConfigService limits the computations, but those of a batch are all in memory.
  constexpr MemoryCost kConfig = {32, /*is_large=*/false};
  constexpr MemoryCost kBatch = {512, /*is_large=*/true};
  constexpr MemoryCost kPlan = {16, /*is_large=*/true};
  // A text of one byte takes three bytes in the request, and about 60 in memory; the request and its canonical copy are
  // in memory at the same time. A request with longer texts needs much less.
  constexpr MemoryCost kEntry = {64, /*is_large=*/false};
  HandlerTable handlers;
  handlers.queued = {{configs + "GetConfig", Bytes(config, &ConfigService::GetConfig), answer_cache, kConfig}};
  handlers.sync = {
      {configs + "BatchGetConfig", Bytes(config, &ConfigService::BatchGetConfig), kBatch},
      {configs + "PlanLayers", Bytes(config, &ConfigService::PlanLayers), kPlan},
      {configs + "ListTemplates", Bytes(config, &ConfigService::ListTemplates)},
      {configs + "GetTemplate", Bytes(config, &ConfigService::GetTemplate)},
      {configs + "ListSchemes", Bytes(config, &ConfigService::ListSchemes)},
      {configs + "GetScheme", Bytes(config, &ConfigService::GetScheme)},
      {configs + "ListCatalogs", Bytes(config, &ConfigService::ListCatalogs)},
      {configs + "WhoAmI", Bytes(config, &ConfigService::WhoAmI)},
      {writes + "RegisterScheme", Bytes(registry, &RegistryService::RegisterScheme), kEntry},
      {writes + "UnregisterScheme", Bytes(registry, &RegistryService::UnregisterScheme)},
      {writes + "RegisterTemplate", Bytes(registry, &RegistryService::RegisterTemplate), kEntry},
      {writes + "UnregisterTemplate", Bytes(registry, &RegistryService::UnregisterTemplate)},
      {writes + "SetDefaultCatalog", Bytes(registry, &RegistryService::SetDefaultCatalog)},
      {writes + "ListChanges", Bytes(registry, &RegistryService::ListChanges)},
  };
  return handlers;
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): does not see that the returned table owns the functions

}  // namespace qconfig
