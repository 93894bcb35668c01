// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "qconfig/digest.h"
#include "qconfig/error.h"
#include "qconfig/service_config.h"
#include "qconfig/tls_options.h"
#include "qconfig/v1/config_service.grpc.pb.h"
#include "qconfig/v1/registry_service.grpc.pb.h"

namespace qconfig::client {

struct ClientOptions {
  // host:port, which may stand for several addresses, or any other gRPC target, such as
  // ipv4:10.0.0.1:50051,10.0.0.2:50051
  std::string server = "localhost:50051";
  std::string tenant;                           // goes into requests that name none
  std::string catalog;                          // goes into requests that name none
  absl::Duration timeout = absl::Seconds(10);   // of one call, with all its tries
  std::optional<TlsOptions> tls;                // nothing: no TLS
  std::string service_config = kServiceConfig;  // JSON; empty: one server, calls are tried once
};

// How long a call may take with all its tries. Nothing: as long as the client's options say.
using Timeout = std::optional<absl::Duration>;

// Calls a qconfig server. Thread-safe; one client for a process is enough.
// A failed call's status has gRPC's code and the server's text; ErrorOf() has what a program needs.
class Client {
 public:
  // Does not connect yet: a server that cannot be reached is kUnavailable at the first call.
  explicit Client(const ClientOptions& options);
  // Closes the connections. REQUIRES: no call is running.
  ~Client() = default;

  absl::StatusOr<v1::GetConfigResponse> GetConfig(v1::GetConfigRequest request, Timeout timeout = {});
  absl::StatusOr<v1::BatchGetConfigResponse> BatchGetConfig(v1::BatchGetConfigRequest request, Timeout timeout = {});
  absl::StatusOr<v1::ListTemplatesResponse> ListTemplates(v1::ListTemplatesRequest request, Timeout timeout = {});
  absl::StatusOr<v1::GetTemplateResponse> GetTemplate(v1::GetTemplateRequest request, Timeout timeout = {});
  absl::StatusOr<v1::ListSchemesResponse> ListSchemes(v1::ListSchemesRequest request, Timeout timeout = {});
  absl::StatusOr<v1::GetSchemeResponse> GetScheme(v1::GetSchemeRequest request, Timeout timeout = {});
  absl::StatusOr<v1::ListCatalogsResponse> ListCatalogs(v1::ListCatalogsRequest request, Timeout timeout = {});

  // All pages from the request's on as one answer, which has no `next_page_token`. The timeout is that of each page.
  absl::StatusOr<v1::ListTemplatesResponse> ListAllTemplates(v1::ListTemplatesRequest request, Timeout timeout = {});
  absl::StatusOr<v1::ListSchemesResponse> ListAllSchemes(v1::ListSchemesRequest request, Timeout timeout = {});
  absl::StatusOr<v1::ListChangesResponse> ListAllChanges(v1::ListChangesRequest request, Timeout timeout = {});

  // A write without a `request_id` gets one, so that trying it again does not make it twice. After kUnavailable or
  // kDeadlineExceeded it may have been stored: to be able to repeat it, set a `request_id` and use the same one again.
  absl::StatusOr<v1::RegisterSchemeResponse> RegisterScheme(v1::RegisterSchemeRequest request, Timeout timeout = {});
  absl::StatusOr<v1::UnregisterSchemeResponse> UnregisterScheme(v1::UnregisterSchemeRequest request,
                                                                Timeout timeout = {});
  absl::StatusOr<v1::RegisterTemplateResponse> RegisterTemplate(v1::RegisterTemplateRequest request,
                                                                Timeout timeout = {});
  absl::StatusOr<v1::UnregisterTemplateResponse> UnregisterTemplate(v1::UnregisterTemplateRequest request,
                                                                    Timeout timeout = {});
  // Does not fill in `catalog` from the client's options: that is the new default, and is required.
  absl::StatusOr<v1::SetDefaultCatalogResponse> SetDefaultCatalog(v1::SetDefaultCatalogRequest request,
                                                                  Timeout timeout = {});
  absl::StatusOr<v1::ListChangesResponse> ListChanges(v1::ListChangesRequest request, Timeout timeout = {});

 private:
  template <typename Request>
  void FillInTenant(Request& request) const;
  template <typename Request>
  void FillIn(Request& request) const;
  template <typename Request>
  void FillInWrite(Request& request) const;
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                const Request& request, Timeout timeout);
  template <typename Request, typename Response>
  absl::StatusOr<Response> ReadPages(absl::StatusOr<Response> (Client::*list)(Request, Timeout), Request request,
                                     Timeout timeout);

  const ClientOptions options_;
  std::unique_ptr<v1::ConfigService::Stub> config_;
  std::unique_ptr<v1::RegistryService::Stub> registry_;
};

// A random UUID (version 4).
std::string NewRequestId();

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_CLIENT_H_
